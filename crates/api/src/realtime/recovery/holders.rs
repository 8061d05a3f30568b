//! Which sessions there are, by the ids their clients know them by, and where the last ones were
//! that ended: a client that comes back is in one place, and that is where it was.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::past::{LastState, RecentDisconnects};

/// The sessions of this node. Cheap to clone; clones are the same.
pub(in super::super) struct SessionTable<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    /// Who has an id, and the how-manieth that is.
    tenants: HashMap<Arc<str>, (u64, T)>,
    taken: u64,
    past: RecentDisconnects,
}

/// One session under one id. Dropping it makes the id free, if nobody took it over.
pub(in super::super) struct SessionLease<T> {
    holders: SessionTable<T>,
    socket_id: Arc<str>,
    number: u64,
}

impl<T: Clone> SessionTable<T> {
    /// Nobody is here.
    pub(in super::super) fn new() -> Self {
        let state = State { tenants: HashMap::new(), taken: 0, past: RecentDisconnects::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Who has `socket_id`.
    pub(in super::super) fn tenant(&self, socket_id: &str) -> Option<T> {
        self.state().tenants.get(socket_id).map(|(_, tenant)| tenant.clone())
    }

    /// Takes `socket_id` for `tenant`, whoever had it before; returns who that was.
    pub(in super::super) fn take(
        &self,
        socket_id: &str,
        tenant: T,
    ) -> (SessionLease<T>, Option<T>) {
        let socket_id: Arc<str> = socket_id.into();
        let mut state = self.state();
        state.taken += 1;
        let number = state.taken;
        let former = state.tenants.insert(socket_id.clone(), (number, tenant));
        drop(state);
        (
            SessionLease { holders: self.clone(), socket_id, number },
            former.map(|(_, tenant)| tenant),
        )
    }

    /// Notes where the session of `socket_id` is as it ends.
    pub(in super::super) fn remember(&self, socket_id: &str, parting: LastState) {
        self.state().past.remember(socket_id, parting);
    }

    /// Where the session of `socket_id` was when it ended, if that is still known.
    pub(in super::super) fn recall(&self, socket_id: &str) -> Option<LastState> {
        self.state().past.recall(socket_id)
    }
}

impl<T> SessionTable<T> {
    /// No code that holds this lock can panic halfway through a change.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for SessionTable<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> SessionLease<T> {
    /// The session has ended. One that was taken over has nothing more to say.
    pub(in super::super) fn release(self, parting: LastState) {
        let mut state = self.holders.state();
        if state.is_held(&self) {
            state.past.remember(&self.socket_id, parting);
        }
    }
}

impl<T> State<T> {
    fn is_held(&self, hold: &SessionLease<T>) -> bool {
        self.tenants.get(&hold.socket_id).is_some_and(|(number, _)| *number == hold.number)
    }
}

impl<T> Drop for SessionLease<T> {
    fn drop(&mut self) {
        let mut state = self.holders.state();
        if state.is_held(self) {
            state.tenants.remove(&self.socket_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{id::ConversationId, time::Timestamp};

    use super::*;

    fn parting(id: &str) -> LastState {
        let rooms = vec![ConversationId::parse(id).expect("a good id")];
        LastState { rooms, at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn an_id_is_the_newest_session_s_until_that_has_ended() {
        let holders = SessionTable::new();
        let (first, nobody) = holders.take("a", 1);
        assert_eq!(nobody, None);
        let (second, former) = holders.take("a", 2);
        assert_eq!(former, Some(1));
        drop(first);
        assert_eq!(holders.tenant("a"), Some(2));
        drop(second);
        assert_eq!(holders.tenant("a"), None);
    }

    #[test]
    fn only_the_session_that_has_an_id_says_where_it_ended() {
        let holders = SessionTable::new();
        let (first, _) = holders.take("a", 1);
        let (second, _) = holders.take("a", 2);
        first.release(parting("left"));
        assert_eq!(holders.recall("a"), None);
        second.release(parting("here"));
        assert_eq!((holders.recall("a"), holders.tenant("a")), (Some(parting("here")), None));
    }
}
