//! How much anyone may ask for. One set of buckets for REST and sockets, so that nobody has two.

mod address;
mod keyed;

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
};

use actix_web::dev::RequestHead;
pub use address::ClientAddressHeader;
use domain::id::UserId;
use keyed::Keyed;
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
        owner(address::client(peer, lines, client_address_header, trusted_proxy_hops))
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

#[cfg(test)]
mod tests;
