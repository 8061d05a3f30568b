//! Which sessions there are, by the socket ids that their clients know, and which conversations the
//! sessions that ended last had joined: what a recovery needs beside the client's own token.

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
    /// The current session by socket id, and its number.
    active: HashMap<Arc<str>, (u64, T)>,
    last_number: u64,
    disconnects: RecentDisconnects,
}

/// One session under one socket id. Dropping it frees the id, unless another session has taken it over.
pub(super) struct SessionLease<T> {
    table: SessionTable<T>,
    socket_id: Arc<str>,
    number: u64,
}

impl<T: Clone> SessionTable<T> {
    /// Without any session.
    pub(super) fn new() -> Self {
        let state = State {
            active: HashMap::new(),
            last_number: 0,
            disconnects: RecentDisconnects::default(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The session of `socket_id`.
    pub(super) fn get(&self, socket_id: &str) -> Option<T> {
        self.state().active.get(socket_id).map(|(_, session)| session.clone())
    }

    /// Gives `socket_id` to `session`; returns the session that had it before.
    pub(super) fn take(&self, socket_id: &str, session: T) -> (SessionLease<T>, Option<T>) {
        let socket_id: Arc<str> = socket_id.into();
        let mut state = self.state();
        state.last_number += 1;
        let number = state.last_number;
        let former = state.active.insert(socket_id.clone(), (number, session));
        drop(state);
        (
            SessionLease { table: self.clone(), socket_id, number },
            former.map(|(_, session)| session),
        )
    }

    /// Remembers the last state of the session of `socket_id`.
    pub(super) fn remember(&self, socket_id: &str, last_state: LastState) {
        self.state().disconnects.remember(socket_id, last_state);
    }

    /// The last state of the session of `socket_id`, if it is still known.
    pub(super) fn recall(&self, socket_id: &str) -> Option<LastState> {
        self.state().disconnects.recall(socket_id)
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
    /// Remembers the last state of the session, which is about to end. That of one that was taken over is not
    /// remembered.
    pub(super) fn remember(&self, last_state: LastState) {
        let mut state = self.table.state();
        if state.is_current(self) {
            state.disconnects.remember(&self.socket_id, last_state);
        }
    }
}

impl<T> State<T> {
    fn is_current(&self, lease: &SessionLease<T>) -> bool {
        self.active.get(&lease.socket_id).is_some_and(|(number, _)| *number == lease.number)
    }
}

impl<T> Drop for SessionLease<T> {
    fn drop(&mut self) {
        let mut state = self.table.state();
        if state.is_current(self) {
            state.active.remove(&self.socket_id);
        }
    }
}

/// Ended sessions that are remembered; the oldest are dropped first.
const SESSIONS_MAX: usize = 10_000;

impl LastState {
    /// Whether the session, as of this or before, had joined a conversation that `claim` does not
    /// name: its client lost the connection before it received anything from there. Recovered, it would
    /// believe that it had joined and be sent nothing.
    pub(super) fn knows_more_than(&self, claim: &VerifiedRecovery) -> bool {
        let is_unnamed = |room| !claim.subscriptions.has(room);
        claim.at <= self.at && self.rooms.iter().any(is_unnamed)
    }
}

/// The last states of sessions that ended. What their clients carry may be older: a client that left a
/// conversation and lost its connection at once still carries that it has joined it.
#[derive(Default)]
pub(crate) struct RecentDisconnects {
    states: HashMap<Arc<str>, LastState>,
    /// Socket ids by age, the oldest first.
    order: VecDeque<Arc<str>>,
}

impl RecentDisconnects {
    /// Remembers the last state of `socket_id`. Of too many conversations one more is kept than a client
    /// can name, so that none recovers into a part of them.
    pub(crate) fn remember(&mut self, socket_id: &str, mut last_state: LastState) {
        last_state.rooms.truncate(ROOMS_MAX + 1);
        let socket_id: Arc<str> = socket_id.into();
        if self.states.insert(socket_id.clone(), last_state).is_none() {
            self.order.push_back(socket_id);
        }
        if self.order.len() > SESSIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.states.remove(&oldest);
        }
    }

    pub(crate) fn recall(&self, socket_id: &str) -> Option<LastState> {
        self.states.get(socket_id).cloned()
    }
}

// Sessions that are taken over by their clients.

/// How long a session cannot be taken over, in milliseconds. Two pages with the same token would
/// otherwise take over from each other for ever; within this time the second opens a new session.
const TAKEOVER_AFTER_MS: i64 = 2_000;

/// A session of this node.
#[derive(Clone)]
pub(crate) struct ActiveSession {
    pub(crate) key: SessionKey,
    pub(crate) socket: Socket,
    pub(crate) since: Timestamp,
}

impl ActiveSession {
    /// Whether its client, which reconnected at `now`, may replace it.
    pub(crate) fn may_be_replaced(&self, now: Timestamp) -> bool {
        now.as_millis().saturating_sub(self.since.as_millis()) >= TAKEOVER_AFTER_MS
    }

    /// The session will end when what this returns is dropped.
    pub(crate) fn into_takeover(self, hub: &Hub) -> PendingTakeover {
        PendingTakeover { session: self, hub: hub.clone() }
    }
}

/// A session whose client is on another connection. Dropping it ends the session: a client that still
/// listens there is sent a disconnect, and does not reconnect by itself.
pub(crate) struct PendingTakeover {
    session: ActiveSession,
    hub: Hub,
}

impl PendingTakeover {
    /// Which conversations it has joined; `None` when it has ended already.
    pub(crate) fn rooms(&self) -> Option<Vec<ConversationId>> {
        self.hub.rooms_of(self.session.key)
    }
}

impl Drop for PendingTakeover {
    fn drop(&mut self) {
        self.hub.exit(self.session.key);
        self.session.socket.close_session();
        tracing::debug!("a session was taken over by its client");
    }
}

#[cfg(test)]
mod table_tests {
    use domain::{ids::ConversationId, time::Timestamp};

    use super::*;

    fn last_state(id: &str) -> LastState {
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
        assert_eq!(table.get("a"), Some(2));
        drop(second);
        assert_eq!(table.get("a"), None);
    }

    #[test]
    fn only_the_session_that_has_an_id_says_where_it_ended() {
        let table = SessionTable::new();
        let (first, _) = table.take("a", 1);
        let (second, _) = table.take("a", 2);
        first.remember(last_state("left"));
        assert_eq!(table.recall("a"), None);
        second.remember(last_state("here"));
        assert_eq!((table.recall("a"), table.get("a")), (Some(last_state("here")), Some(2)));
    }
}

#[cfg(test)]
mod disconnect_tests {
    use super::*;

    #[test]
    fn the_newest_word_counts_and_the_oldest_session_is_forgotten() {
        let mut disconnects = RecentDisconnects::default();
        let at = Timestamp::UNIX_EPOCH;
        let last_state = |rooms| LastState { rooms, at };
        let in_room = || last_state(vec![ConversationId::parse("c").expect("a good id")]);
        disconnects.remember("first", in_room());
        disconnects.remember("first", last_state(Vec::new()));
        assert_eq!(disconnects.recall("first"), Some(last_state(Vec::new())));
        let room = |n: usize| ConversationId::parse(&format!("c{n}")).expect("a good id");
        disconnects.remember("first", last_state((0..20).map(room).collect()));
        let kept = disconnects.recall("first").map(|last| last.rooms.len());
        assert_eq!(kept, Some(ROOMS_MAX + 1), "more than a client can name");
        for number in 0..SESSIONS_MAX {
            disconnects.remember(&number.to_string(), in_room());
        }
        assert_eq!(disconnects.recall("first"), None);
        assert_eq!(disconnects.recall("0"), Some(in_room()));
        assert_eq!(
            (disconnects.states.len(), disconnects.order.len()),
            (SESSIONS_MAX, SESSIONS_MAX)
        );
    }
}
