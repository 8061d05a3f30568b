//! Which sessions there are, by the ids their clients know them by, and where the last ones were
//! that ended: a client that comes back is in one place, and that is where it was.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{ids::ConversationId, time::Timestamp};
use socketio::Socket;

use super::{
    hub::{Hub, SessionKey},
    recovery_token::{ROOMS_MAX, VerifiedRecovery},
    subscriptions::LastState,
};

/// The sessions of this node. Cheap to clone; clones are the same.
pub(super) struct SessionTable<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    /// Who has an id, and the how-manieth that is.
    tenants: HashMap<Arc<str>, (u64, T)>,
    taken: u64,
    past: RecentDisconnects,
}

/// One session under one id. Dropping it makes the id free, if nobody took it over.
pub(super) struct SessionLease<T> {
    table: SessionTable<T>,
    socket_id: Arc<str>,
    number: u64,
}

impl<T: Clone> SessionTable<T> {
    /// Nobody is here.
    pub(super) fn new() -> Self {
        let state = State { tenants: HashMap::new(), taken: 0, past: RecentDisconnects::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Who has `socket_id`.
    pub(super) fn tenant(&self, socket_id: &str) -> Option<T> {
        self.state().tenants.get(socket_id).map(|(_, tenant)| tenant.clone())
    }

    /// Takes `socket_id` for `tenant`, whoever had it before; returns who that was.
    pub(super) fn take(&self, socket_id: &str, tenant: T) -> (SessionLease<T>, Option<T>) {
        let socket_id: Arc<str> = socket_id.into();
        let mut state = self.state();
        state.taken += 1;
        let number = state.taken;
        let former = state.tenants.insert(socket_id.clone(), (number, tenant));
        drop(state);
        (SessionLease { table: self.clone(), socket_id, number }, former.map(|(_, tenant)| tenant))
    }

    /// Notes where the session of `socket_id` is as it ends.
    pub(super) fn remember(&self, socket_id: &str, parting: LastState) {
        self.state().past.remember(socket_id, parting);
    }

    /// Where the session of `socket_id` was when it ended, if that is still known.
    pub(super) fn recall(&self, socket_id: &str) -> Option<LastState> {
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
    pub(super) fn release(self, parting: LastState) {
        let mut state = self.table.state();
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
        let mut state = self.table.state();
        if state.is_held(self) {
            state.tenants.remove(&self.socket_id);
        }
    }
}

/// How many sessions are remembered; the oldest are forgotten first.
const SESSIONS_MAX: usize = 10_000;

impl LastState {
    /// Whether the session, as of this or before, had joined a conversation that `claim` does not
    /// name: its client was cut off before it received anything from there. Recovered, it would
    /// believe that it had joined and be told nothing.
    pub(super) fn knows_more_than(&self, claim: &VerifiedRecovery) -> bool {
        let is_unnamed = |room| !claim.subscriptions.has(room);
        claim.at <= self.at && self.rooms.iter().any(is_unnamed)
    }
}

/// Where sessions were when they ended. What their clients carry may be older: somebody who left a
/// conversation and was cut off at once still carries that they are in it.
#[derive(Default)]
pub(crate) struct RecentDisconnects {
    partings: HashMap<Arc<str>, LastState>,
    /// By age, the oldest first.
    order: VecDeque<Arc<str>>,
}

impl RecentDisconnects {
    /// Notes where the session of `socket_id` was. Of too many conversations only so many are kept
    /// that no client can name all of them, so that none recovers into a part of them.
    pub(crate) fn remember(&mut self, socket_id: &str, mut parting: LastState) {
        parting.rooms.truncate(ROOMS_MAX + 1);
        let socket_id: Arc<str> = socket_id.into();
        if self.partings.insert(socket_id.clone(), parting).is_none() {
            self.order.push_back(socket_id);
        }
        if self.order.len() > SESSIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.partings.remove(&oldest);
        }
    }

    pub(crate) fn recall(&self, socket_id: &str) -> Option<LastState> {
        self.partings.get(socket_id).cloned()
    }
}

// The session that has an id by which its client comes back.

/// How long a session cannot be taken over, in milliseconds. Two pages that say they are the same
/// would otherwise drive each other out for ever; so the one that comes back begins anew.
const PEACE_MS: i64 = 2_000;

/// A session of this node.
#[derive(Clone)]
pub(crate) struct ActiveSession {
    pub(crate) key: SessionKey,
    pub(crate) socket: Socket,
    pub(crate) since: Timestamp,
}

impl ActiveSession {
    /// Whether its client, which came back at `now`, may go on in its place.
    pub(crate) fn may_be_replaced(&self, now: Timestamp) -> bool {
        now.as_millis().saturating_sub(self.since.as_millis()) >= PEACE_MS
    }

    /// The session will end when what this returns is dropped.
    pub(crate) fn leaving(self, hub: &Hub) -> PendingTakeover {
        PendingTakeover { tenant: self, hub: hub.clone() }
    }
}

/// A session whose client is on another connection. Dropping it ends the session: whoever still
/// listens there is told, and does not come back by itself.
pub(crate) struct PendingTakeover {
    tenant: ActiveSession,
    hub: Hub,
}

impl PendingTakeover {
    /// Which conversations it has joined; `None` when it has ended by itself.
    pub(crate) fn rooms(&self) -> Option<Vec<ConversationId>> {
        self.hub.rooms_of(self.tenant.key)
    }
}

impl Drop for PendingTakeover {
    fn drop(&mut self) {
        self.hub.exit(self.tenant.key);
        self.tenant.socket.close_session();
        tracing::debug!("a session was taken over by its client");
    }
}

#[cfg(test)]
mod table_tests {
    use domain::{ids::ConversationId, time::Timestamp};

    use super::*;

    fn parting(id: &str) -> LastState {
        let rooms = vec![ConversationId::parse(id).expect("a good id")];
        LastState { rooms, at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn an_id_is_the_newest_session_s_until_that_has_ended() {
        let table = SessionTable::new();
        let (first, nobody) = table.take("a", 1);
        assert_eq!(nobody, None);
        let (second, former) = table.take("a", 2);
        assert_eq!(former, Some(1));
        drop(first);
        assert_eq!(table.tenant("a"), Some(2));
        drop(second);
        assert_eq!(table.tenant("a"), None);
    }

    #[test]
    fn only_the_session_that_has_an_id_says_where_it_ended() {
        let table = SessionTable::new();
        let (first, _) = table.take("a", 1);
        let (second, _) = table.take("a", 2);
        first.release(parting("left"));
        assert_eq!(table.recall("a"), None);
        second.release(parting("here"));
        assert_eq!((table.recall("a"), table.tenant("a")), (Some(parting("here")), None));
    }
}

#[cfg(test)]
mod past_tests {
    use super::*;

    #[test]
    fn the_newest_word_counts_and_the_oldest_session_is_forgotten() {
        let mut past = RecentDisconnects::default();
        let at = Timestamp::UNIX_EPOCH;
        let parting = |rooms| LastState { rooms, at };
        let in_room = || parting(vec![ConversationId::parse("c").expect("a good id")]);
        past.remember("first", in_room());
        past.remember("first", parting(Vec::new()));
        assert_eq!(past.recall("first"), Some(parting(Vec::new())));
        let room = |n: usize| ConversationId::parse(&format!("c{n}")).expect("a good id");
        past.remember("first", parting((0..20).map(room).collect()));
        let kept = past.recall("first").map(|last| last.rooms.len());
        assert_eq!(kept, Some(ROOMS_MAX + 1), "more than a client can name");
        for number in 0..SESSIONS_MAX {
            past.remember(&number.to_string(), in_room());
        }
        assert_eq!(past.recall("first"), None);
        assert_eq!(past.recall("0"), Some(in_room()));
        assert_eq!((past.partings.len(), past.order.len()), (SESSIONS_MAX, SESSIONS_MAX));
    }
}
