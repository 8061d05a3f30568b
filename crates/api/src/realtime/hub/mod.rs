//! The hub: tells the sessions of this node what happened, in order, once.

mod repair;
mod room;
mod roster;
mod totals;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::{
    event::{Event, EventKind},
    id::{ConversationId, UserId},
    ports::{Fanout, Store, Turn},
    seq::Seq,
    time::Timestamp,
};
use socketio::Frame;
use tokio::sync::OwnedMutexGuard;

pub(crate) use self::{room::Membership, roster::SessionKey};
use self::{room::Turnout, roster::Roster, totals::Totals};
use super::{
    delivery::{self, Step},
    outlet::Outlet,
    turns::Turns,
};

/// The sessions of this node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    roster: Mutex<Roster>,
    turns: Turns,
    totals: Totals,
    store: Arc<dyn Store>,
}

impl Hub {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let totals = Totals::new(store.clone());
        let inner = Inner { roster: Mutex::default(), turns: Turns::new(), totals, store };
        Self { inner: Arc::new(inner) }
    }

    /// No code that holds this lock can panic halfway through a change, so a poisoned one is sound.
    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.inner.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a new session in; `None` when its person has `sessions_max` already.
    pub(crate) fn enter(
        &self,
        user: &UserId,
        outlet: Arc<dyn Outlet>,
        expires_at: Option<Timestamp>,
        sessions_max: usize,
    ) -> Option<SessionKey> {
        self.roster().enter(user, outlet, expires_at, sessions_max)
    }

    /// Forgets a session that has ended.
    pub(crate) fn exit(&self, key: SessionKey) {
        self.roster().leave_all(key);
    }

    /// Waits for the turn of `conversation`: while it is held, nothing new is told there.
    pub(crate) async fn take_turn(&self, conversation: &ConversationId) -> OwnedMutexGuard<()> {
        self.inner.turns.take(conversation).await
    }

    /// Whether one more room is within `rooms_max` for this session.
    pub(crate) fn may_join(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
        rooms_max: usize,
    ) -> bool {
        let roster = self.roster();
        roster.membership(key, conversation).is_some() || roster.joined_count(key) < rooms_max
    }

    /// Lets a session join a conversation of which it was given the history up to `since`. From
    /// here on it hears everything after that, once. Ask while holding the turn.
    pub(crate) fn join(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
        viewer: &UserId,
        since: Seq,
        visible: bool,
    ) {
        let missed = self.roster().join(key, conversation, since, visible);
        if missed {
            self.repair(conversation, viewer);
        }
    }

    /// Takes a session out of a conversation; `None` when it was not in it.
    pub(crate) fn leave(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<Membership> {
        self.roster().leave(key, conversation)
    }

    /// What a session is to a conversation's room; `None` when it is not in it.
    pub(crate) fn membership(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<Membership> {
        self.roster().membership(key, conversation)
    }

    /// Says `frame` to everyone in a conversation's room.
    pub(crate) fn tell_room(&self, conversation: &ConversationId, frame: &Frame) {
        self.roster().tell_room(conversation, None, frame);
    }

    /// Counts what waits for `user` and tells all their sessions, soon.
    pub(crate) fn count_unread(&self, user: &UserId) {
        self.inner.totals.count(self, user);
    }

    /// The sessions whose tokens have ended by `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<Arc<dyn Outlet>> {
        self.roster().expired(now)
    }

    /// Tells what happened. `events` were committed together and follow one another.
    fn publish(&self, events: &[Event]) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let conversation = &first.conversation;
        let steps = delivery::steps(events);
        let mut roster = self.roster();
        let turnout = roster.turnout(conversation, first.seq, last.seq);
        match turnout {
            Turnout::Next => Self::say(&mut roster, last, &steps),
            Turnout::NoRoom => Self::say_to_people(&roster, &steps),
            Turnout::Told | Turnout::Gap => {}
        }
        drop(roster);
        self.count(&steps);
        if turnout == Turnout::Gap {
            self.repair(conversation, &first.parties.salon);
        }
    }

    /// Says what `steps` say; all under one lock, so that sessions hear it in one order.
    fn say(roster: &mut Roster, last: &Event, steps: &[Step]) {
        for step in steps {
            match step {
                Step::TellRoom(frame) => {
                    roster.tell_room(&last.conversation, Some(last.seq), frame);
                }
                Step::TellUser(user, frame) => roster.tell_user(user, frame),
                Step::CountUnread(_) | Step::RepeatUnread(_) => {}
            }
        }
        if last.kind == EventKind::ConversationDeleted {
            roster.close_room(&last.conversation);
        }
    }

    /// Says what `steps` say to people wherever they are.
    fn say_to_people(roster: &Roster, steps: &[Step]) {
        for step in steps {
            if let Step::TellUser(user, frame) = step {
                roster.tell_user(user, frame);
            }
        }
    }

    fn count(&self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::CountUnread(user) => self.count_unread(user),
                Step::RepeatUnread(user) => self.inner.totals.repeat(self, user),
                Step::TellRoom(_) | Step::TellUser(..) => {}
            }
        }
    }
}

#[async_trait]
impl Fanout for Hub {
    async fn turn(&self, conversation: &ConversationId) -> Box<dyn Turn> {
        let guard = self.take_turn(conversation).await;
        Box::new(HeldTurn { hub: self.clone(), _guard: guard })
    }

    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool {
        self.roster().is_watching(conversation, user)
    }
}

struct HeldTurn {
    hub: Hub,
    _guard: OwnedMutexGuard<()>,
}

impl Turn for HeldTurn {
    fn publish(self: Box<Self>, events: Vec<Event>) {
        self.hub.publish(&events);
    }
}
