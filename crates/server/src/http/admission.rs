//! Which connections are admitted: how many there may be in all and from one address, and which give way to new ones.
//!
//! A connection is that of a stranger until a request on it was one of somebody signed in, or it became a WebSocket.
//! When there are as many connections as there may be, a new one is admitted all the same, and the stranger whose last
//! request began longest ago is closed. Signed-in people and sockets never give way, and cannot take the reserve.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

/// How many times the bound of an address a /48 network may have. A provider gives a customer a /48 or a /56, and a
/// customer who has one has 65,536 networks /64.
const PER_48: usize = 4;

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionBounds {
    /// In all.
    pub(crate) connections_max: usize,
    /// How many of these neither sockets nor signed-in people can take.
    pub(crate) reserved: usize,
    /// From one address, those of sockets not counted; `None` for any number.
    pub(crate) per_address_max: Option<usize>,
}

/// The connections of this process.
#[derive(Debug)]
pub(super) struct Connections {
    bounds: ConnectionBounds,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Those that were admitted and are not dropped yet.
    open: usize,
    /// How many of them do not give way.
    kept: usize,
    /// Those that give way, by when their last request began: the lowest is the longest ago.
    strangers: BTreeMap<u64, Arc<Eviction>>,
    /// The next key of `strangers`.
    next: u64,
    networks: HashMap<Network, usize>,
}

/// The signal to a connection that it must give way.
#[derive(Debug, Default)]
struct Eviction {
    is_due: AtomicBool,
    waker: AtomicWaker,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There are as many from this address as there may be.
    Address,
    /// There are as many as there may be, and those that give way are not closed yet.
    Everywhere,
}

impl Connections {
    pub(super) fn new(bounds: ConnectionBounds) -> Arc<Self> {
        Arc::new(Self { bounds, table: Mutex::default() })
    }

    /// Admits a connection from `peer`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) fn admit(self: &Arc<Self>, peer: Option<IpAddr>) -> Result<Admission, Refusal> {
        let ConnectionBounds { connections_max, reserved, per_address_max } = self.bounds;
        let counted = per_address_max.and(peer);
        let mut table = self.table();
        if let (Some(max), Some(address)) = (per_address_max, counted) {
            let is_full = |network: &Network| {
                let there = table.networks.get(network).copied().unwrap_or_default();
                there >= network.max(max)
            };
            if Network::all_of(address).iter().flatten().any(is_full) {
                return Err(Refusal::Address);
            }
        }
        if table.open >= connections_max + reserved {
            return Err(Refusal::Everywhere);
        }
        if table.kept + table.strangers.len() >= connections_max
            && let Some((_, longest_ago)) = table.strangers.pop_first()
        {
            longest_ago.is_due.store(true, Ordering::Relaxed);
            longest_ago.waker.wake();
        }
        table.open += 1;
        if let Some(address) = counted {
            for network in Network::all_of(address).into_iter().flatten() {
                *table.networks.entry(network).or_default() += 1;
            }
        }
        let eviction = Arc::default();
        let turn = table.append(&eviction);
        drop(table);
        Ok(Admission {
            connections: Arc::clone(self),
            eviction,
            standing: Cell::new(Standing::Stranger(turn)),
            address: Cell::new(counted),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Makes a stranger the last to give way.
    fn append(&mut self, eviction: &Arc<Eviction>) -> u64 {
        let turn = self.next;
        self.next += 1;
        self.strangers.insert(turn, Arc::clone(eviction));
        turn
    }

    fn leave(&mut self, address: IpAddr) {
        for network in Network::all_of(address).into_iter().flatten() {
            if let Some(count) = self.networks.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    self.networks.remove(&network);
                }
            }
        }
    }
}

/// A connection that was admitted. Dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Admission {
    connections: Arc<Connections>,
    eviction: Arc<Eviction>,
    standing: Cell<Standing>,
    /// The address that it counts for.
    address: Cell<Option<IpAddr>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It gives way when it is its turn.
    Stranger(u64),
    /// It does not give way.
    Kept,
}

impl Admission {
    /// A request begins.
    pub(super) fn renew(&self) {
        let Standing::Stranger(turn) = self.standing.get() else { return };
        let mut table = self.connections.table();
        // If it is not there, it is to be closed.
        if table.strangers.remove(&turn).is_some() {
            self.standing.set(Standing::Stranger(table.append(&self.eviction)));
        }
    }

    /// Keeps the connection from giving way. `false` if only the reserve is left.
    pub(super) fn keep(&self) -> bool {
        let Standing::Stranger(turn) = self.standing.get() else { return true };
        let ConnectionBounds { connections_max, reserved, .. } = self.connections.bounds;
        let mut table = self.connections.table();
        if table.kept + reserved >= connections_max || table.strangers.remove(&turn).is_none() {
            return false;
        }
        table.kept += 1;
        self.standing.set(Standing::Kept);
        true
    }

    /// Keeps the connection as a socket, which its address is not counted for: sockets have bounds of their own.
    /// `false` if only the reserve is left.
    pub(super) fn upgrade(&self) -> bool {
        let is_kept = self.keep();
        if is_kept && let Some(address) = self.address.take() {
            self.connections.table().leave(address);
        }
        is_kept
    }

    /// Ready when the connection must give way.
    pub(super) fn poll_evicted(&self, cx: &Context<'_>) -> Poll<()> {
        if self.standing.get() == Standing::Kept {
            return Poll::Pending;
        }
        self.eviction.waker.register(cx.waker());
        if self.eviction.is_due.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut table = self.connections.table();
        table.open -= 1;
        match self.standing.get() {
            Standing::Stranger(turn) => drop(table.strangers.remove(&turn)),
            Standing::Kept => table.kept -= 1,
        }
        if let Some(address) = self.address.get() {
            table.leave(address);
        }
    }
}

/// What is counted as one client: an IPv4 address, or a network of IPv6 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    One(IpAddr),
    /// Its first 64 bits.
    Of64(u128),
    /// Its first 48 bits.
    Of48(u128),
}

impl Network {
    fn all_of(address: IpAddr) -> [Option<Self>; 2] {
        match address.to_canonical() {
            address @ IpAddr::V4(_) => [Some(Self::One(address)), None],
            IpAddr::V6(address) => [Some(Self::of_64(address)), Some(Self::of_48(address))],
        }
    }

    fn of_64(address: Ipv6Addr) -> Self {
        Self::Of64(address.to_bits() >> 64)
    }

    fn of_48(address: Ipv6Addr) -> Self {
        Self::Of48(address.to_bits() >> 80)
    }

    fn max(self, per_address_max: usize) -> usize {
        match self {
            Self::One(_) | Self::Of64(_) => per_address_max,
            Self::Of48(_) => per_address_max.saturating_mul(PER_48),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn connections(connections_max: usize, reserved: usize) -> Arc<Connections> {
        let bounds = ConnectionBounds { connections_max, reserved, per_address_max: Some(2) };
        Connections::new(bounds)
    }

    fn from(connections: &Arc<Connections>, address: &str) -> Result<Admission, Refusal> {
        connections.admit(Some(address.parse().expect("an address")))
    }

    /// The connections from as many addresses, oldest first.
    fn strangers(connections: &Arc<Connections>, count: u8) -> Vec<Admission> {
        let addresses = (1..=count).map(|number| format!("192.0.2.{number}"));
        addresses.map(|address| from(connections, &address).expect("room")).collect()
    }

    fn is_evicted(admission: &Admission) -> bool {
        admission.poll_evicted(&Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn an_address_has_only_so_many_connections_and_others_are_not_concerned() {
        let connections = connections(100, 10);
        let held = [from(&connections, "192.0.2.1"), from(&connections, "::ffff:192.0.2.1")];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(from(&connections, "192.0.2.1").expect_err("too many"), Refusal::Address);
        assert!(from(&connections, "192.0.2.2").is_ok());
        drop(held);
        assert!(from(&connections, "192.0.2.1").is_ok());
        assert_eq!(connections.table().networks.len(), 0);
    }

    #[test]
    fn ipv6_is_counted_by_its_network_of_64_bits_and_four_times_as_many_by_that_of_48() {
        let connections = connections(100, 10);
        let mut held = Vec::new();
        for subnet in 0..4 {
            for host in 1..=2 {
                let address = format!("2001:db8:1:{subnet}::{host}");
                held.push(from(&connections, &address).expect("room"));
            }
        }
        assert_eq!(from(&connections, "2001:db8:1:0::9").expect_err("/64"), Refusal::Address);
        assert_eq!(from(&connections, "2001:db8:1:9::1").expect_err("/48"), Refusal::Address);
        assert!(from(&connections, "2001:db8:2:9::1").is_ok());
    }

    #[test]
    fn behind_trusted_proxies_no_address_is_counted() {
        let bounds = ConnectionBounds { connections_max: 100, reserved: 10, per_address_max: None };
        let connections = Connections::new(bounds);
        let held: Vec<_> = (0..50).map(|_| from(&connections, "192.0.2.1")).collect();
        assert!(held.iter().all(Result::is_ok));
    }

    #[test]
    fn a_socket_does_not_count_for_its_address() {
        let connections = connections(100, 10);
        let sockets: Vec<_> = (0..5)
            .map(|_| {
                let socket = from(&connections, "192.0.2.1").expect("room");
                assert!(socket.upgrade());
                socket
            })
            .collect();
        assert_eq!(connections.table().kept, 5);
        drop(sockets);
        let table = connections.table();
        assert_eq!((table.kept, table.open), (0, 0));
    }

    #[test]
    fn a_full_server_admits_a_newcomer_and_closes_the_stranger_whose_last_request_is_longest_ago() {
        let connections = connections(4, 2);
        let held = strangers(&connections, 4);
        held[0].renew();
        let newcomer = from(&connections, "198.51.100.1").expect("room");
        let evicted: Vec<_> = held.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, true, false, false]);
        // What is to be closed is not saved by another request.
        held[1].renew();
        assert!(is_evicted(&held[1]) && !held[1].keep());
        assert!(!is_evicted(&newcomer));
    }

    #[test]
    fn who_is_signed_in_does_not_give_way_and_leaves_the_reserve_to_newcomers() {
        let connections = connections(4, 2);
        let held = strangers(&connections, 4);
        assert_eq!(held.iter().filter(|one| one.keep()).count(), 2);
        let newcomers = strangers(&connections, 2);
        let evicted: Vec<_> = held.iter().map(is_evicted).collect();
        assert_eq!(evicted, [false, false, true, true]);
        assert!(!newcomers.iter().any(is_evicted));
        assert!(!newcomers[0].upgrade());
    }

    #[test]
    fn as_many_as_the_reserve_may_wait_to_be_closed_and_no_more() {
        let connections = connections(4, 2);
        let _held = strangers(&connections, 6);
        assert_eq!(from(&connections, "198.51.100.1").expect_err("full"), Refusal::Everywhere);
    }

    #[test]
    fn an_evicted_connection_is_woken() {
        struct Count(std::sync::atomic::AtomicUsize);
        impl std::task::Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let connections = connections(2, 1);
        let held = strangers(&connections, 2);
        let count = Arc::new(Count(0.into()));
        let waker = Waker::from(Arc::clone(&count));
        assert!(held[0].poll_evicted(&Context::from_waker(&waker)).is_pending());
        let _newcomer = from(&connections, "198.51.100.1").expect("room");
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
