//! How much anyone may ask for. One set of buckets for REST and sockets, so that nobody has two.

use std::{
    borrow::Cow,
    fmt,
    hash::Hash,
    iter,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use actix_web::dev::RequestHead;
use domain::ids::UserId;
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};
use socketio::ConnectRequest;

/// The prefix of an IPv6 address by which its owner is known: providers hand out /64 networks, so
/// single addresses cost nothing.
const IPV6_OWNER_MASK: u128 = !0 << 64;

/// How often something may be done: `burst` times at once, `per_minute` in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub burst: NonZeroU32,
    /// How many in a minute, in the long run.
    pub per_minute: NonZeroU32,
}

impl Rate {
    /// A rate; zeros count as one.
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

/// The limits; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// REST requests of one address. Pages rendered on a server all come from that server's
    /// address, so this is far above what one person does.
    pub requests_per_address: Option<Rate>,
    /// Requests of programs of the platform from one address.
    pub internal_requests_per_address: Option<Rate>,
    /// REST requests of one person.
    pub requests_per_person: Option<Rate>,
    /// Socket commands of one person.
    pub commands_per_person: Option<Rate>,
    /// Messages sent by one person, over REST and sockets together.
    pub sends_per_person: Option<Rate>,
    /// Files uploaded by one person.
    pub uploads_per_person: Option<Rate>,
    /// Socket connections begun by one address.
    pub connects_per_address: Option<Rate>,
    /// People or addresses that one limit remembers at the same time.
    pub remembered_max: usize,
    /// Proxies of ours in front of the service, each of which adds the address it was called from
    /// to the header. With 0 no header counts: anybody can write one.
    pub trusted_proxy_hops: usize,
    /// The header in which they do; no other counts.
    pub client_address_header: ClientAddressHeader,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests_per_address: Some(Rate::new(1_000, 12_000)),
            internal_requests_per_address: Some(Rate::new(2_000, 60_000)),
            requests_per_person: Some(Rate::new(120, 600)),
            commands_per_person: Some(Rate::new(120, 600)),
            sends_per_person: Some(Rate::new(30, 120)),
            uploads_per_person: Some(Rate::new(20, 60)),
            connects_per_address: Some(Rate::new(100, 600)),
            remembered_max: 100_000,
            trusted_proxy_hops: 0,
            client_address_header: ClientAddressHeader::default(),
        }
    }
}

/// Come again, but later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(u64);

impl RetryAfter {
    /// How long to wait, in milliseconds; at least 1.
    pub fn as_millis(self) -> u64 {
        self.0
    }
}

/// The buckets. Cheap to clone; clones share them.
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
    sends_per_person: Keyed<UserId>,
    uploads_per_person: Keyed<UserId>,
    connects_per_address: Keyed<IpAddr>,
    trusted_proxy_hops: usize,
    client_address_header: ClientAddressHeader,
}

impl Limits {
    /// Full buckets.
    pub fn new(settings: Settings) -> Self {
        let max = settings.remembered_max;
        let buckets = Buckets {
            requests_per_address: Keyed::new(settings.requests_per_address, max),
            internal_requests_per_address: Keyed::new(settings.internal_requests_per_address, max),
            requests_per_person: Keyed::new(settings.requests_per_person, max),
            commands_per_person: Keyed::new(settings.commands_per_person, max),
            sends_per_person: Keyed::new(settings.sends_per_person, max),
            uploads_per_person: Keyed::new(settings.uploads_per_person, max),
            connects_per_address: Keyed::new(settings.connects_per_address, max),
            trusted_proxy_hops: settings.trusted_proxy_hops,
            client_address_header: settings.client_address_header,
        };
        Self { buckets: Arc::new(buckets) }
    }

    /// Where a request comes from, as far as our own proxies can tell.
    pub fn address_of(&self, request: &RequestHead) -> IpAddr {
        let peer = request.peer_addr.map(|peer| peer.ip());
        let headers = request.headers();
        self.client_address(peer, |name| {
            headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
        })
    }

    /// The same for who enters a namespace, by the request that opened their connection.
    pub fn address_of_newcomer(&self, request: &ConnectRequest) -> IpAddr {
        let headers = &request.headers;
        self.client_address(request.remote, |name| headers.get_all(name).map(Cow::from))
    }

    /// The one way in which an address is found, over REST and every kind of socket: of IPv6 the
    /// network of its owner, of IPv4 written as IPv6 the IPv4.
    fn client_address<'a, L>(
        &self,
        peer: Option<IpAddr>,
        lines: impl FnOnce(&'static str) -> L,
    ) -> IpAddr
    where
        L: Iterator<Item = Cow<'a, str>>,
    {
        let Buckets { client_address_header, trusted_proxy_hops, .. } = *self.buckets;
        owner(client(peer, lines, client_address_header, trusted_proxy_hops))
    }

    /// A REST request from `address`, whoever it may be.
    ///
    /// # Errors
    /// [`RetryAfter`] when it is one too many.
    pub fn allow_request_from(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.buckets.requests_per_address.take(&owner(address))
    }

    /// A request from `address`, of whatever program it may be.
    ///
    /// # Errors
    /// [`RetryAfter`] when it is one too many.
    pub fn allow_internal_request_from(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.buckets.internal_requests_per_address.take(&owner(address))
    }

    /// A REST request of `person`.
    ///
    /// # Errors
    /// [`RetryAfter`] when it is one too many.
    pub fn allow_request_of(&self, person: &UserId) -> Result<(), RetryAfter> {
        self.buckets.requests_per_person.take(person)
    }

    /// A socket command of `person`.
    ///
    /// # Errors
    /// [`RetryAfter`] when it is one too many.
    pub fn allow_command(&self, person: &UserId) -> Result<(), RetryAfter> {
        self.buckets.commands_per_person.take(person)
    }

    /// A message sent by `person`, over REST or a socket.
    ///
    /// # Errors
    /// [`RetryAfter`] when it is one too many.
    pub fn allow_send(&self, person: &UserId) -> Result<(), RetryAfter> {
        self.buckets.sends_per_person.take(person)
    }

    /// A file uploaded by `person`.
    ///
    /// # Errors
    /// [`RetryAfter`] when it is one too many.
    pub fn allow_upload(&self, person: &UserId) -> Result<(), RetryAfter> {
        self.buckets.uploads_per_person.take(person)
    }

    /// A socket connection from `address`.
    ///
    /// # Errors
    /// [`RetryAfter`] when it is one too many.
    pub fn allow_connect(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.buckets.connects_per_address.take(&owner(address))
    }
}

fn owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & IPV6_OWNER_MASK).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

// Where somebody comes from, read from what trusted proxies wrote.

/// The one header in which our proxies write whom they were called by. The other counts for nothing:
/// a proxy passes on what it does not know, and then anybody can write it.
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

/// Whom a connection that `peer` began comes from: the peer, or with `hops` trusted proxies the
/// address that the outermost of them was called from. `lines` finds the lines of a header by its
/// name, in their order. A header that says less than our proxies would have written did not pass
/// through them, so it counts for nothing; so does an address that a proxy hides or does not know.
fn client<'a, L>(
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
        // An empty element is none (RFC 9110, section 5.6.1.2).
        let element = elements.by_ref().filter(|element| !element.is_empty()).nth(from_the_end)?;
        match header {
            ClientAddressHeader::XForwardedFor => node(&unquoted(element)),
            ClientAddressHeader::Forwarded => forwarded_for(element),
        }
    };
    seen().or(peer).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

/// The parts of `text` between separators outside of quotation marks, the last part first. Read from
/// the end because what our proxies appended is sound: an open quotation mark that a caller wrote
/// before it must not swallow it.
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

/// Whether the byte behind `before` stands behind a backslash that is not escaped itself.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The node that an element of `Forwarded` says it is for; it must say so once.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut nodes = split_from_the_end(element, b';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    });
    let (value, None) = (nodes.next()?, nodes.next()) else {
        return None;
    };
    node(&unquoted(value))
}

/// A quoted string's content; anything else as it is.
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

/// An address with or without a port, IPv6 with or without brackets. `unknown` and made-up names
/// (`_hidden`) are none.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        return v6(address).filter(|_| port.is_empty() || is_port(port));
    }
    v6(text).or_else(|| {
        let (address, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        let address: Ipv4Addr = address.parse().ok()?;
        (port.is_empty() || is_port(port)).then_some(address.into())
    })
}

/// The name of a network interface behind the address says nothing here.
fn v6(text: &str) -> Option<IpAddr> {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// A colon and a number, or what stands for one (RFC 7239, section 6).
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    match port.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.chars().all(is_name),
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Takes between two looks at how many keys are remembered.
const TAKES_PER_CLEANING: u32 = 256;

/// One bucket for each key, with a bound on how many there are.
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
    /// Full buckets of `rate`; without one, buckets that never end.
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

    /// Takes one from the bucket of `key`.
    fn take(&self, key: &K) -> Result<(), RetryAfter> {
        let Some(limit) = &self.limit else {
            return Ok(());
        };
        limit.clean_sometimes();
        let buckets = limit.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            RetryAfter(in_millis(wait))
        })
    }
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// Forgets full buckets. When there still are too many, forgets all: a flood of strangers may
    /// gain a burst by it, and must not gain our memory.
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
mod tests;

#[cfg(test)]
mod address_tests {
    use super::{ClientAddressHeader::*, *};

    const PEER: &str = "192.0.2.9";

    /// Whom a request with these lines of `X-Forwarded-For` and `Forwarded` comes from.
    fn seen(
        header: ClientAddressHeader,
        hops: usize,
        forwarded_for: &[&'static str],
        forwarded: &[&'static str],
    ) -> String {
        let lines = |name: &'static str| {
            let lines = if name == "x-forwarded-for" { forwarded_for } else { forwarded };
            lines.iter().copied().map(Cow::from)
        };
        client(PEER.parse().ok(), lines, header, hops).to_string()
    }

    fn by_x_forwarded_for(hops: usize, lines: &[&'static str]) -> String {
        seen(XForwardedFor, hops, lines, &[])
    }

    fn by_forwarded(hops: usize, lines: &[&'static str]) -> String {
        seen(Forwarded, hops, &[], lines)
    }

    #[test]
    fn without_a_proxy_nobody_can_pass_for_another_address() {
        assert_eq!(by_x_forwarded_for(0, &["198.51.100.1"]), PEER);
        assert_eq!(by_forwarded(0, &["for=198.51.100.1"]), PEER);
    }

    #[test]
    fn with_proxies_the_address_that_they_saw_counts_and_not_what_was_claimed_before() {
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
            // Not to the letter of the standard, and never meant otherwise.
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
    fn an_open_quotation_mark_does_not_swallow_what_our_proxies_wrote() {
        for claimed in ["for=9.9.9.9, for=\"", "for=\"x\\", "\"", "for=9.9.9.9;x=\"\\\""] {
            let line = format!("{claimed}, for=198.51.100.1, for=\"[2001:db8::9]:1\"");
            let lines = |_| iter::once(Cow::from(&line));
            let address = client(PEER.parse().ok(), lines, Forwarded, 2);
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
        assert_eq!(seen(XForwardedFor, 1, both.0, both.1), "198.51.100.1");
        assert_eq!(seen(Forwarded, 1, both.0, both.1), "203.0.113.7");
        assert_eq!(seen(XForwardedFor, 1, &[], both.1), PEER);
        assert_eq!(seen(Forwarded, 1, both.0, &[]), PEER);
    }
}

#[cfg(test)]
mod keyed_tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_does_not_fill_the_memory() {
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
