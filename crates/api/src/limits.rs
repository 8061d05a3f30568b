//! Rate limits (token buckets), shared by REST and sockets.

use std::{
    borrow::Cow,
    fmt,
    hash::Hash,
    iter,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::dev::RequestHead;
use domain::ids::UserId;
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};

/// IPv6 clients are counted per /64 network, the unit that providers assign; single addresses are free.
const IPV6_NETWORK_MASK: u128 = !0 << 64;

/// A rate: `burst` times at once, `per_minute` in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Size of the bucket.
    pub burst: NonZeroU32,
    /// Refill per minute.
    pub per_minute: NonZeroU32,
}

impl Rate {
    /// Creates a rate; 0 counts as 1.
    pub const fn new(burst: u32, per_minute: u32) -> Self {
        Self { burst: at_least_one(burst), per_minute: at_least_one(per_minute) }
    }
}

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// The limits; `None` means unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// REST requests per address. Server-rendered pages all come from the address of the front end's
    /// server, so this is far above the use of one person.
    pub requests_per_address: Option<Rate>,
    /// Requests to the internal API and webhooks per address.
    pub internal_requests_per_address: Option<Rate>,
    /// REST requests per person.
    pub requests_per_person: Option<Rate>,
    /// Socket commands per person, also malformed, unknown and refused ones.
    pub commands_per_person: Option<Rate>,
    /// Bytes of socket commands per person.
    pub command_bytes_per_person: Option<Rate>,
    /// Messages and conversations marked as read per person, over sockets. Front ends mark each message.
    pub reads_per_person: Option<Rate>,
    /// Messages sent per person, over REST and sockets together.
    pub sends_per_person: Option<Rate>,
    /// Files uploaded per person.
    pub uploads_per_person: Option<Rate>,
    /// Socket connection attempts per address.
    pub connects_per_address: Option<Rate>,
    /// Maximum number of buckets (people or addresses) per limit.
    pub remembered_max: usize,
    /// Number of trusted proxies in front of the service, each of which appends the address of its client
    /// to the header. With 0 the header is ignored, because any client can send one.
    pub trusted_proxy_hops: usize,
    /// The header that the proxies write; all others are ignored.
    pub client_address_header: ClientAddressHeader,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests_per_address: Some(Rate::new(1_000, 12_000)),
            internal_requests_per_address: Some(Rate::new(2_000, 60_000)),
            requests_per_person: Some(Rate::new(120, 600)),
            commands_per_person: Some(Rate::new(120, 600)),
            command_bytes_per_person: Some(Rate::new(4 * 1024 * 1024, 16 * 1024 * 1024)),
            reads_per_person: Some(Rate::new(512, 2_400)),
            sends_per_person: Some(Rate::new(30, 120)),
            uploads_per_person: Some(Rate::new(20, 60)),
            connects_per_address: Some(Rate::new(100, 600)),
            remembered_max: 100_000,
            trusted_proxy_hops: 0,
            client_address_header: ClientAddressHeader::default(),
        }
    }
}

/// The limit is exceeded; retry after a delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(u64);

impl RetryAfter {
    /// The delay in milliseconds, at least 1.
    pub fn as_millis(self) -> u64 {
        self.0
    }
}

/// All buckets. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub struct Limits {
    buckets: Arc<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    requests_per_address: Keyed<IpAddr>,
    internal_requests_per_address: Keyed<IpAddr>,
    requests_per_person: Keyed<UserId>,
    commands_per_person: Keyed<UserId>,
    command_bytes_per_person: Keyed<UserId>,
    reads_per_person: Keyed<UserId>,
    sends_per_person: Keyed<UserId>,
    uploads_per_person: Keyed<UserId>,
    connects_per_address: Keyed<IpAddr>,
    trusted_proxy_hops: usize,
    client_address_header: ClientAddressHeader,
    ignored_header: OncePerHour,
}

impl Limits {
    /// Starts with full buckets.
    pub fn new(settings: Settings) -> Self {
        let max = settings.remembered_max;
        let buckets = Buckets {
            requests_per_address: Keyed::new(settings.requests_per_address, max),
            internal_requests_per_address: Keyed::new(settings.internal_requests_per_address, max),
            requests_per_person: Keyed::new(settings.requests_per_person, max),
            commands_per_person: Keyed::new(settings.commands_per_person, max),
            command_bytes_per_person: Keyed::new(settings.command_bytes_per_person, max),
            reads_per_person: Keyed::new(settings.reads_per_person, max),
            sends_per_person: Keyed::new(settings.sends_per_person, max),
            uploads_per_person: Keyed::new(settings.uploads_per_person, max),
            connects_per_address: Keyed::new(settings.connects_per_address, max),
            trusted_proxy_hops: settings.trusted_proxy_hops,
            client_address_header: settings.client_address_header,
            ignored_header: OncePerHour::default(),
        };
        Self { buckets: Arc::new(buckets) }
    }

    /// The client address of a request, as seen by the outermost trusted proxy.
    pub fn address_of(&self, request: &RequestHead) -> IpAddr {
        let peer = request.peer_addr.map(|peer| peer.ip());
        let headers = request.headers();
        if self.ignores_a_proxy(peer, |name| headers.contains_key(name), Instant::now()) {
            tracing::warn!(
                "a request from a private address has a forwarding header, which is ignored: behind a proxy set \
                 LIMITS_TRUSTED_PROXY_HOPS, or all clients count as one address"
            );
        }
        self.client_address(peer, |name| {
            headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
        })
    }

    /// Whether a request seems to come from a proxy that the settings do not know, and that was not said within the hour.
    fn ignores_a_proxy(
        &self,
        peer: Option<IpAddr>,
        has: impl Fn(&'static str) -> bool,
        now: Instant,
    ) -> bool {
        self.buckets.trusted_proxy_hops == 0
            && ["x-forwarded-for", "forwarded"].into_iter().any(has)
            && peer.is_some_and(is_private)
            && self.buckets.ignored_header.is_due(now)
    }

    /// Determines the address for REST and sockets alike: the /64 network of an IPv6 address, IPv4 for an
    /// IPv4-mapped one.
    fn client_address<'a, L>(
        &self,
        peer: Option<IpAddr>,
        lines: impl FnOnce(&'static str) -> L,
    ) -> IpAddr
    where
        L: Iterator<Item = Cow<'a, str>>,
    {
        let Buckets { client_address_header, trusted_proxy_hops, .. } = *self.buckets;
        network(forwarded_client(peer, lines, client_address_header, trusted_proxy_hops))
    }

    /// Counts a REST request from `address`.
    ///
    /// # Errors
    /// [`RetryAfter`] if the limit is exceeded.
    pub fn allow_request_from(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.buckets.requests_per_address.take(&network(address))
    }

    /// Counts a request to the internal API or a webhook from `address`.
    ///
    /// # Errors
    /// [`RetryAfter`] if the limit is exceeded.
    pub fn allow_internal_request_from(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.buckets.internal_requests_per_address.take(&network(address))
    }

    /// Counts a REST request of `person`.
    ///
    /// # Errors
    /// [`RetryAfter`] if the limit is exceeded.
    pub fn allow_request_of(&self, person: &UserId) -> Result<(), RetryAfter> {
        self.buckets.requests_per_person.take(person)
    }

    /// Counts a socket command of `person` that costs as much as `commands`.
    ///
    /// # Errors
    /// [`RetryAfter`] if the limit is exceeded.
    pub fn allow_commands(&self, person: &UserId, commands: usize) -> Result<(), RetryAfter> {
        self.buckets.commands_per_person.take_many(person, commands)
    }

    /// Counts the bytes of a socket command of `person`.
    ///
    /// # Errors
    /// [`RetryAfter`] if the limit is exceeded.
    pub fn allow_command_bytes(&self, person: &UserId, bytes: usize) -> Result<(), RetryAfter> {
        self.buckets.command_bytes_per_person.take_many(person, bytes)
    }

    /// Counts what `person` marks as read over a socket.
    ///
    /// # Errors
    /// [`RetryAfter`] if the limit is exceeded.
    pub fn allow_read(&self, person: &UserId) -> Result<(), RetryAfter> {
        self.buckets.reads_per_person.take(person)
    }

    /// Counts a message sent by `person`, over REST or a socket.
    ///
    /// # Errors
    /// [`RetryAfter`] if the limit is exceeded.
    pub fn allow_send(&self, person: &UserId) -> Result<(), RetryAfter> {
        self.buckets.sends_per_person.take(person)
    }

    /// Counts a file uploaded by `person`.
    ///
    /// # Errors
    /// [`RetryAfter`] if the limit is exceeded.
    pub fn allow_upload(&self, person: &UserId) -> Result<(), RetryAfter> {
        self.buckets.uploads_per_person.take(person)
    }

    /// Counts a socket connection attempt from `address`.
    ///
    /// # Errors
    /// [`RetryAfter`] if the limit is exceeded.
    pub fn allow_connect(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.buckets.connects_per_address.take(&network(address))
    }
}

/// Whether an address is that of this machine or of a private network.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            // The last are those of carriers and of some clouds (RFC 6598).
            let is_shared = first == 100 && (64..128).contains(&second);
            address.is_loopback() || address.is_private() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Says something at most once per hour.
#[derive(Debug, Default)]
struct OncePerHour(Mutex<Option<Instant>>);

impl OncePerHour {
    fn is_due(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.duration_since(last) >= Duration::from_hours(1));
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK_MASK).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

// The client address from the headers that trusted proxies write.

/// The header in which the trusted proxies write the client address. The other one is ignored: a proxy that
/// does not know it forwards it unchanged, so any client could set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAddressHeader {
    /// `X-Forwarded-For: 203.0.113.7, 198.51.100.1:4711`.
    #[default]
    XForwardedFor,
    /// RFC 7239: `Forwarded: for=203.0.113.7;proto=https, for="[2001:db8::1]:4711"`.
    Forwarded,
}

impl ClientAddressHeader {
    fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// The client of a connection from `peer`: the peer itself, or with `hops` trusted proxies the client of the
/// outermost one. `lines` returns the lines of a header by name, in order. If the header has fewer
/// entries than `hops`, the request did not pass the proxies, and it is ignored; so is an address that a
/// proxy obfuscates or does not know.
fn forwarded_client<'a, L>(
    peer: Option<IpAddr>,
    lines: impl FnOnce(&'static str) -> L,
    header: ClientAddressHeader,
    hops: usize,
) -> IpAddr
where
    L: Iterator<Item = Cow<'a, str>>,
{
    let seen = || {
        let from_the_end = hops.checked_sub(1)?;
        let lines: Vec<_> = lines(header.name()).collect();
        let mut elements =
            lines.iter().rev().flat_map(|line| split_from_the_end(line, b',')).map(str::trim);
        // Empty elements are ignored (RFC 9110, section 5.6.1.2).
        let element = elements.by_ref().filter(|element| !element.is_empty()).nth(from_the_end)?;
        match header {
            ClientAddressHeader::XForwardedFor => parse_node(&unquoted(element)),
            ClientAddressHeader::Forwarded => forwarded_for(element),
        }
    };
    seen().or(peer).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

/// Splits `text` at separators outside quoted strings, last part first. It reads from the end, where the
/// trusted proxies append: an unbalanced quote sent by the client must not hide their entries.
fn split_from_the_end(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let Some(at) = last_outside_of_quotes(text.as_bytes(), separator) else {
            return rest.take();
        };
        rest = Some(&text[..at]);
        Some(&text[at + 1..])
    })
}

fn last_outside_of_quotes(text: &[u8], separator: u8) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in text.iter().enumerate().rev() {
        match byte {
            b'"' if quoted && is_escaped(&text[..at]) => {}
            b'"' => quoted = !quoted,
            byte if *byte == separator && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether the byte after `before` is escaped by a backslash.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The `for` parameter of an element of `Forwarded`; `None` unless there is exactly one.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut nodes = split_from_the_end(element, b';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    });
    let (value, None) = (nodes.next()?, nodes.next()) else {
        return None;
    };
    parse_node(&unquoted(value))
}

/// The content of a quoted string; anything else unchanged.
fn unquoted(value: &str) -> Cow<'_, str> {
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let Some(quoted) = quoted else { return value.into() };
    let mut escapes = false;
    let mut is_content = |c: &char| {
        escapes = *c == '\\' && !escapes;
        !escapes
    };
    quoted.chars().filter(|c| is_content(c)).collect::<String>().into()
}

/// Parses an address with or without a port, IPv6 with or without brackets. `None` for `unknown` and
/// obfuscated identifiers (`_hidden`).
fn parse_node(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        return parse_ipv6(address).filter(|_| port.is_empty() || is_port(port));
    }
    parse_ipv6(text).or_else(|| {
        let (address, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        let address: Ipv4Addr = address.parse().ok()?;
        (port.is_empty() || is_port(port)).then_some(address.into())
    })
}

/// Parses an IPv6 address and ignores a zone id.
fn parse_ipv6(text: &str) -> Option<IpAddr> {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// A colon and a port number or an obfuscated port (RFC 7239, section 6).
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    match port.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.chars().all(is_name),
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Number of takes between two checks of the number of buckets.
const TAKES_PER_CLEANING: u32 = 256;

/// One bucket per key, with a maximum number of buckets.
struct Keyed<K: Hash + Eq + Clone> {
    limit: Option<Limit<K>>,
}

struct Limit<K: Hash + Eq + Clone> {
    quota: Quota,
    remembered_max: usize,
    takes: AtomicU32,
    buckets: RwLock<DefaultKeyedRateLimiter<K>>,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    /// Starts with full buckets of `rate`; `None` means unlimited.
    fn new(rate: Option<Rate>, remembered_max: usize) -> Self {
        let limit = rate.map(|rate| {
            let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
            Limit {
                quota,
                remembered_max,
                takes: AtomicU32::new(0),
                buckets: RwLock::new(DefaultKeyedRateLimiter::keyed(quota)),
            }
        });
        Self { limit }
    }

    /// Takes one token from the bucket of `key`.
    fn take(&self, key: &K) -> Result<(), RetryAfter> {
        self.take_many(key, 1)
    }

    /// Takes so many tokens from the bucket of `key`, none if there are fewer; at most a whole bucket.
    fn take_many(&self, key: &K, tokens: usize) -> Result<(), RetryAfter> {
        let Some(limit) = &self.limit else {
            return Ok(());
        };
        let tokens = at_least_one(u32::try_from(tokens).unwrap_or(u32::MAX));
        let tokens = tokens.min(limit.quota.burst_size());
        limit.clean_sometimes();
        let buckets = limit.buckets.read().unwrap_or_else(PoisonError::into_inner);
        // A bucket holds as many: the bound was applied above.
        let taken = buckets.check_key_n(key, tokens).unwrap_or(Ok(()));
        taken.map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            RetryAfter(in_millis(wait))
        })
    }
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// Drops full buckets. If there are still too many, drops all: an attacker with many addresses gains a burst
    /// by that, but does not exhaust the memory.
    fn clean_sometimes(&self) {
        if !self.takes.fetch_add(1, Ordering::Relaxed).is_multiple_of(TAKES_PER_CLEANING) {
            return;
        }
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() <= self.remembered_max {
            return;
        }
        buckets.retain_recent();
        buckets.shrink_to_fit();
        let too_many = buckets.len() > self.remembered_max;
        drop(buckets);
        if too_many {
            let fresh = DefaultKeyedRateLimiter::keyed(self.quota);
            *self.buckets.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

fn in_millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
}

impl<K: Hash + Eq + Clone> fmt::Debug for Keyed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quota = self.limit.as_ref().map(|limit| limit.quota);
        f.debug_struct("Keyed").field("quota", &quota).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod address_tests {
    use super::{ClientAddressHeader::*, *};

    const PEER: &str = "192.0.2.9";

    /// The client of a request with these lines of `X-Forwarded-For` and `Forwarded`.
    fn client_of(
        header: ClientAddressHeader,
        hops: usize,
        forwarded_for: &[&'static str],
        forwarded: &[&'static str],
    ) -> String {
        let lines = |name: &'static str| {
            let lines = if name == "x-forwarded-for" { forwarded_for } else { forwarded };
            lines.iter().copied().map(Cow::from)
        };
        forwarded_client(PEER.parse().ok(), lines, header, hops).to_string()
    }

    fn by_x_forwarded_for(hops: usize, lines: &[&'static str]) -> String {
        client_of(XForwardedFor, hops, lines, &[])
    }

    fn by_forwarded(hops: usize, lines: &[&'static str]) -> String {
        client_of(Forwarded, hops, &[], lines)
    }

    #[test]
    fn without_a_proxy_nobody_can_pass_for_another_address() {
        assert_eq!(by_x_forwarded_for(0, &["198.51.100.1"]), PEER);
        assert_eq!(by_forwarded(0, &["for=198.51.100.1"]), PEER);
    }

    #[test]
    fn with_proxies_the_entry_they_appended_counts_and_not_earlier_ones() {
        for lines in [
            &["203.0.113.7, 198.51.100.1"][..],
            &["203.0.113.7", "198.51.100.1"],
            &["203.0.113.7,, 198.51.100.1 ,"],
            &["\u{fffd}\", 198.51.100.1"],
        ] {
            assert_eq!(by_x_forwarded_for(1, lines), "198.51.100.1", "{lines:?}");
        }
        for lines in [
            &["203.0.113.7, 198.51.100.1, 10.0.0.1"][..],
            &["203.0.113.7", "198.51.100.1, 10.0.0.1"],
            &["203.0.113.7, 198.51.100.1", "10.0.0.1"],
        ] {
            assert_eq!(by_x_forwarded_for(2, lines), "198.51.100.1", "{lines:?}");
        }
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        let table = [
            ("203.0.113.7:4711", "203.0.113.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:db8::1:4711", "2001:db8::1:4711"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%eth0]:443", "fe80::1"),
            ("\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ];
        for (text, address) in table {
            assert_eq!(by_x_forwarded_for(1, &[text]), address, "{text}");
        }
    }

    #[test]
    fn an_element_of_forwarded_names_its_node_among_other_things() {
        let table = [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"203.0.113.7:4711\";proto=https", "203.0.113.7"),
            ("proto=http;by=10.0.0.1;FOR=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]\" ; host=\"a;b,c\\\"d\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]:_obscured\"", "2001:db8::1"),
            ("for=\"\\2\\0\\3.0.113.7\"", "203.0.113.7"),
            // Not conforming to the standard, but unambiguous.
            ("for=[2001:db8::1]:4711", "2001:db8::1"),
            ("for=\"2001:db8::1\"", "2001:db8::1"),
            ("for=203.0.113.7:4711", "203.0.113.7"),
        ];
        for (text, address) in table {
            assert_eq!(by_forwarded(1, &[text]), address, "{text}");
        }
        for lines in [
            &["for=203.0.113.7, for=198.51.100.1;proto=https, for=\"[2001:db8::9]:1\""][..],
            &["for=203.0.113.7", "for=198.51.100.1", "for=10.0.0.1"],
            &["for=203.0.113.7, for=198.51.100.1", "for=unknown"],
        ] {
            assert_eq!(by_forwarded(2, lines), "198.51.100.1", "{lines:?}");
        }
    }

    #[test]
    fn an_unbalanced_quote_does_not_hide_the_entries_of_the_proxies() {
        for claimed in ["for=9.9.9.9, for=\"", "for=\"x\\", "\"", "for=9.9.9.9;x=\"\\\""] {
            let line = format!("{claimed}, for=198.51.100.1, for=\"[2001:db8::9]:1\"");
            let lines = |_| iter::once(Cow::from(&line));
            let address = forwarded_client(PEER.parse().ok(), lines, Forwarded, 2);
            assert_eq!(address.to_string(), "198.51.100.1", "{claimed}");
        }
    }

    #[test]
    fn what_did_not_pass_our_proxies_or_is_hidden_is_known_by_its_peer() {
        assert_eq!(by_x_forwarded_for(1, &[]), PEER);
        assert_eq!(by_x_forwarded_for(2, &["198.51.100.1"]), PEER);
        for text in [
            "unknown",
            "_hidden",
            "",
            " ",
            ",",
            "203.0.113.7:",
            "203.0.113.7:x",
            "203.0.113.7:471100",
            "203.0.113.256",
            "[203.0.113.7]",
            "[2001:db8::1",
            "[2001:db8::1]4711",
            "2001:db8::1]:4711",
            "203.0.113.7 ; for=1",
            "for=203.0.113.7",
            "203.0.113.7:1:2",
        ] {
            assert_eq!(by_x_forwarded_for(1, &[text]), PEER, "{text}");
        }
        for text in [
            "for=unknown",
            "for=_hidden",
            "for=\"_hidden:4711\"",
            "for=",
            "for",
            "203.0.113.7",
            "by=203.0.113.7",
            "for=203.0.113.7;for=203.0.113.8",
            "for=\"203.0.113.7",
        ] {
            assert_eq!(by_forwarded(1, &["for=9.9.9.9", text]), PEER, "{text}");
        }
    }

    #[test]
    fn only_the_header_that_was_chosen_counts() {
        let both = (&["198.51.100.1"][..], &["for=203.0.113.7"][..]);
        assert_eq!(client_of(XForwardedFor, 1, both.0, both.1), "198.51.100.1");
        assert_eq!(client_of(Forwarded, 1, both.0, both.1), "203.0.113.7");
        assert_eq!(client_of(XForwardedFor, 1, &[], both.1), PEER);
        assert_eq!(client_of(Forwarded, 1, both.0, &[]), PEER);
    }
}

#[cfg(test)]
mod keyed_tests {
    use super::*;

    #[test]
    fn a_flood_of_addresses_does_not_exhaust_the_memory() {
        let max = 100;
        let keyed: Keyed<u32> = Keyed::new(Some(Rate::new(1, 1)), max);
        for stranger in 0..10_000 {
            assert!(keyed.take(&stranger).is_ok());
        }
        let limit = keyed.limit.as_ref().expect("there is a limit");
        let remembered = limit.buckets.read().expect("nobody panicked").len();
        assert!(remembered <= max + TAKES_PER_CLEANING as usize, "{remembered}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let once = Some(Rate::new(1, 1));
        Limits::new(Settings {
            requests_per_address: once,
            sends_per_person: once,
            requests_per_person: None,
            ..Settings::default()
        })
    }

    fn user(id: &str) -> UserId {
        UserId::parse(id).expect("a good id")
    }

    #[test]
    fn an_exceeded_limit_says_when_to_retry_and_does_not_affect_others() {
        let limits = limits();
        assert_eq!(limits.allow_send(&user("a")), Ok(()));
        let wait = limits.allow_send(&user("a")).expect_err("one too many").as_millis();
        assert!((50_000..=60_000).contains(&wait), "{wait}");
        assert_eq!(limits.allow_send(&user("b")), Ok(()));
    }

    #[test]
    fn what_costs_more_than_a_bucket_holds_takes_all_of_it() {
        let limits = Limits::new(Settings {
            command_bytes_per_person: Some(Rate::new(100, 1)),
            ..Settings::default()
        });
        assert_eq!(limits.allow_command_bytes(&user("a"), 60), Ok(()));
        assert!(limits.allow_command_bytes(&user("a"), 60).is_err());
        assert_eq!(limits.allow_command_bytes(&user("a"), 40), Ok(()), "nothing was taken");
        assert_eq!(limits.allow_command_bytes(&user("b"), usize::MAX), Ok(()));
        assert!(limits.allow_command_bytes(&user("b"), 1).is_err());
    }

    #[test]
    fn a_disabled_limit_is_unlimited() {
        let limits = limits();
        for _ in 0..10_000 {
            assert_eq!(limits.allow_request_of(&user("a")), Ok(()));
        }
    }

    #[test]
    fn a_proxy_that_the_settings_do_not_know_is_noticed_once_an_hour() {
        let now = Instant::now();
        let with = |trusted_proxy_hops| {
            Limits::new(Settings { trusted_proxy_hops, ..Settings::default() })
        };
        let notices = |limits: &Limits, peer: &str, header: &str, at: Instant| {
            limits.ignores_a_proxy(peer.parse().ok(), |name| name == header, at)
        };
        for private in
            ["127.0.0.1", "10.1.2.3", "172.18.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"]
        {
            assert!(notices(&with(0), private, "x-forwarded-for", now), "{private}");
            assert!(notices(&with(0), private, "forwarded", now), "{private}");
            assert!(!notices(&with(0), private, "x-other", now), "{private}");
            assert!(!notices(&with(1), private, "forwarded", now), "{private}");
        }
        for public in ["203.0.113.7", "100.128.0.1", "2001:db8::1", ""] {
            assert!(!notices(&with(0), public, "forwarded", now), "{public}");
        }
        let limits = with(0);
        let after = |minutes| now + Duration::from_mins(minutes);
        let said = [0, 1, 59, 60, 61, 121]
            .map(|minutes| notices(&limits, "10.0.0.1", "forwarded", after(minutes)));
        assert_eq!(said, [true, false, false, true, false, true]);
    }

    #[test]
    fn another_address_in_the_same_network_is_the_same_caller() {
        let limits = limits();
        let from = |text: &str| limits.allow_request_from(text.parse().expect("an address"));
        assert!(from("2001:db8::1").is_ok());
        assert!(from("2001:db8::2:1").is_err());
        assert!(from("2001:db8:0:1::1").is_ok());
        assert!(from("192.0.2.1").is_ok());
        assert!(from("::ffff:192.0.2.1").is_err());
        assert!(from("192.0.2.2").is_ok());
    }
}
