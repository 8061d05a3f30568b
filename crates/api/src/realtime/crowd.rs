//! How many sessions come from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The sessions of each address. Cheap to clone; clones count together.
#[derive(Clone)]
pub(super) struct Crowd {
    sessions_max: usize,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The place of one session. Dropping it gives it back.
pub(super) struct Place {
    crowd: Crowd,
    address: IpAddr,
}

impl Crowd {
    /// Nobody is here. From no address there may be more than `sessions_max`.
    pub(super) fn new(sessions_max: usize) -> Self {
        Self { sessions_max, counts: Arc::default() }
    }

    /// A place for one more session from `address`; `None` when there is none.
    pub(super) fn take_place(&self, address: IpAddr) -> Option<Place> {
        let mut counts = self.counts();
        let count = counts.entry(address).or_default();
        if *count >= self.sessions_max {
            return None;
        }
        *count += 1;
        Some(Place { crowd: self.clone(), address })
    }

    /// No code that holds this lock can panic halfway through a change.
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let crowd = Crowd::new(1);
        let (here, there) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::BROADCAST.into());
        let place = crowd.take_place(here).expect("the first");
        assert!(crowd.take_place(here).is_none());
        assert!(crowd.take_place(there).is_some());
        drop(place);
        assert!(crowd.take_place(here).is_some());
        assert!(crowd.counts().is_empty());
    }
}
