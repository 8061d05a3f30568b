//! How many sockets there are, and from where: over every door together.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many there may be on this node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Sockets.
    pub(super) sockets: usize,
    /// Sockets from one address that have not said whose they are.
    pub(super) unauthenticated_per_address: usize,
    /// Sockets from one address that have.
    pub(super) sessions_per_address: usize,
}

/// Why there can be no further socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitReached {
    /// There are as many as there may be.
    Everywhere,
    /// Too many of this address do not say whose they are.
    Here,
}

/// The sockets of each address. Cheap to clone; clones count together.
#[derive(Clone)]
pub(super) struct ConnectionLimiter {
    bounds: Bounds,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    sockets: usize,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Default)]
struct Address {
    sockets: usize,
    /// How many of them said whose they are.
    sessions: usize,
}

/// An open socket. Dropping it makes room for another.
pub(super) struct ConnectionPermit {
    connection_limiter: ConnectionLimiter,
    address: IpAddr,
}

/// A socket that said whose it is. Dropping it takes that back.
pub(super) struct SessionPermit {
    connection_limiter: ConnectionLimiter,
    address: IpAddr,
}

impl ConnectionLimiter {
    /// Nobody is here.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, counts: Arc::default() }
    }

    /// Counts a socket from `address` that nobody knows yet.
    ///
    /// # Errors
    /// [`LimitReached`].
    pub(super) fn open(&self, address: IpAddr) -> Result<ConnectionPermit, LimitReached> {
        let mut counts = self.counts();
        if counts.sockets >= self.bounds.sockets {
            return Err(LimitReached::Everywhere);
        }
        let here = counts.addresses.get(&address);
        let unauthenticated = here.map_or(0, |here| here.sockets.saturating_sub(here.sessions));
        if unauthenticated >= self.bounds.unauthenticated_per_address {
            return Err(LimitReached::Here);
        }
        counts.sockets += 1;
        counts.addresses.entry(address).or_default().sockets += 1;
        Ok(ConnectionPermit { connection_limiter: self.clone(), address })
    }

    /// A place for a socket from `address` that said whose it is; `None` when there is none.
    pub(super) fn take_place(&self, address: IpAddr) -> Option<SessionPermit> {
        let mut counts = self.counts();
        let taken = counts.addresses.get(&address).map_or(0, |here| here.sessions);
        if taken >= self.bounds.sessions_per_address {
            return None;
        }
        counts.addresses.entry(address).or_default().sessions += 1;
        Some(SessionPermit { connection_limiter: self.clone(), address })
    }

    /// No code that holds this lock can panic halfway through a change.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn change(&mut self, address: IpAddr, change: impl FnOnce(&mut Address)) {
        if let Some(here) = self.addresses.get_mut(&address) {
            change(here);
            if here.sockets == 0 && here.sessions == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut counts = self.connection_limiter.counts();
        counts.sockets -= 1;
        counts.change(self.address, |here| here.sockets -= 1);
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        self.connection_limiter.counts().change(self.address, |here| here.sessions -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);

    fn connection_limiter(
        sockets: usize,
        unauthenticated: usize,
        sessions: usize,
    ) -> ConnectionLimiter {
        ConnectionLimiter::new(Bounds {
            sockets,
            unauthenticated_per_address: unauthenticated,
            sessions_per_address: sessions,
        })
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let connection_limiter = connection_limiter(9, 9, 1);
        let place = connection_limiter.take_place(HERE).expect("the first");
        assert!(connection_limiter.take_place(HERE).is_none());
        assert!(connection_limiter.take_place(THERE).is_some());
        drop(place);
        assert!(connection_limiter.take_place(HERE).is_some());
        assert!(connection_limiter.counts().addresses.is_empty());
    }

    #[test]
    fn sockets_that_do_not_say_whose_they_are_are_few() {
        let connection_limiter = connection_limiter(9, 1, 9);
        let first = connection_limiter.open(HERE).expect("the first");
        assert_eq!(connection_limiter.open(HERE).err(), Some(LimitReached::Here));
        assert!(connection_limiter.open(THERE).is_ok());
        let place = connection_limiter.take_place(HERE);
        let second = connection_limiter.open(HERE).expect("the first is known now");
        drop(place);
        drop(second);
        assert_eq!(
            connection_limiter.open(HERE).err(),
            Some(LimitReached::Here),
            "the first is unknown again"
        );
        drop(first);
        let counts = connection_limiter.counts();
        assert_eq!((counts.sockets, counts.addresses.len()), (0, 0));
    }

    #[test]
    fn all_addresses_together_are_bounded() {
        let connection_limiter = connection_limiter(1, 9, 9);
        let first = connection_limiter.open(HERE);
        assert_eq!(connection_limiter.open(THERE).err(), Some(LimitReached::Everywhere));
        drop(first);
        assert!(connection_limiter.open(THERE).is_ok());
    }
}
