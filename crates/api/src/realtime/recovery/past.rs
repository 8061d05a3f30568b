use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use domain::{id::ConversationId, time::Timestamp};

use super::ROOMS_MAX;

/// How many sessions are remembered; the oldest are forgotten first.
const SESSIONS_MAX: usize = 10_000;

/// Where a session was when it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct LastState {
    pub(in super::super) rooms: Vec<ConversationId>,
    pub(in super::super) at: Timestamp,
}

/// Where sessions were when they ended. What their clients carry may be older: somebody who left a
/// conversation and was cut off at once still carries that they are in it.
#[derive(Default)]
pub(super) struct RecentDisconnects {
    partings: HashMap<Arc<str>, LastState>,
    /// By age, the oldest first.
    order: VecDeque<Arc<str>>,
}

impl RecentDisconnects {
    /// Notes where the session of `socket_id` was. In too many conversations it cannot be
    /// recovered, and need not be remembered.
    pub(super) fn remember(&mut self, socket_id: &str, parting: LastState) {
        if parting.rooms.len() > ROOMS_MAX {
            return;
        }
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

    pub(super) fn recall(&self, socket_id: &str) -> Option<LastState> {
        self.partings.get(socket_id).cloned()
    }
}

#[cfg(test)]
mod tests {
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
        for number in 0..SESSIONS_MAX {
            past.remember(&number.to_string(), in_room());
        }
        assert_eq!(past.recall("first"), None);
        assert_eq!(past.recall("0"), Some(in_room()));
        assert_eq!((past.partings.len(), past.order.len()), (SESSIONS_MAX, SESSIONS_MAX));
    }
}
