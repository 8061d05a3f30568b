//! The hub: tells the sessions of this node what happened, in order, once.

mod company;
mod publish;
mod registry;
mod repair;
mod room;
mod terms;
mod totals;

#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    id::{ConversationId, UserId},
    ports::Store,
    seq::Seq,
    time::Timestamp,
};
use tokio::sync::OwnedMutexGuard;

use crate::links::Links;

pub(crate) use self::{registry::SessionKey, room::Membership};
use self::{registry::SessionRegistry, totals::UnreadCounter};
use super::{
    Settings, outbound, outlet::EventSink, presence::PresenceTracker, subscriptions::Subscriptions,
    told::OutgoingEvent, turns::ConversationLocks, typing::TypingTracker,
};

/// How long after a ping a client that is awake has answered it, in milliseconds. It is pinged once
/// in a ping interval, so nobody looks who was silent for that and this.
const PONG_EXPECTED_WITHIN_MS: u64 = 5_000;

/// The sessions of this node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Mutex<SessionRegistry>,
    turns: ConversationLocks,
    totals: UnreadCounter,
    presence_tracker: PresenceTracker,
    writing: TypingTracker,
    /// Whoever was silent for so long looks at nothing.
    silence_max: Duration,
    links: Links,
    store: Arc<dyn Store>,
}

impl Hub {
    /// With the usual settings.
    #[cfg(test)]
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self::with_settings(store, &Settings::default(), crate::testing::links())
    }

    /// Nobody is here yet.
    pub(crate) fn with_settings(store: Arc<dyn Store>, settings: &Settings, links: Links) -> Self {
        let silence_max_ms =
            settings.socket.ping_interval_ms.saturating_add(PONG_EXPECTED_WITHIN_MS);
        let inner = Inner {
            registry: Mutex::default(),
            turns: ConversationLocks::new(),
            totals: UnreadCounter::new(store.clone()),
            presence_tracker: PresenceTracker::new(settings.presence, store.clone()),
            writing: TypingTracker::new(settings.typing),
            silence_max: Duration::from_millis(silence_max_ms),
            links,
            store,
        };
        Self { inner: Arc::new(inner) }
    }

    /// No code that holds this lock can panic halfway through a change, so a poisoned one is sound.
    fn registry(&self) -> MutexGuard<'_, SessionRegistry> {
        self.inner.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What makes links to the files of messages.
    pub(crate) fn links(&self) -> &Links {
        &self.inner.links
    }

    /// Takes a new session in; `None` when its person has `sessions_max` already.
    pub(crate) fn enter(
        &self,
        user: &UserId,
        outlet: Arc<dyn EventSink>,
        expires_at: Option<Timestamp>,
        sessions_max: usize,
    ) -> Option<SessionKey> {
        self.registry().enter(user, outlet, expires_at, sessions_max)
    }

    /// Forgets a session that has ended, and returns which rooms it was in. Those who are still
    /// there hear it.
    pub(crate) fn exit(&self, key: SessionKey) -> Vec<ConversationId> {
        let mut registry = self.registry();
        let Some((user, rooms)) = registry.leave_all(key) else { return Vec::new() };
        for conversation in &rooms {
            Self::tell_left(&mut registry, &user, conversation);
        }
        drop(registry);
        self.part_company(key, &user, &rooms);
        rooms
    }

    /// Which rooms a session is in; `None` when it has ended.
    pub(crate) fn rooms_of(&self, key: SessionKey) -> Option<Vec<ConversationId>> {
        self.registry().rooms_of(key)
    }

    /// Says where a session that is being restored is about to be again.
    pub(crate) fn place(&self, key: SessionKey, subscriptions: &Subscriptions) {
        self.registry().place(key, subscriptions);
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
        let registry = self.registry();
        registry.membership(key, conversation).is_some() || registry.joined_count(key) < rooms_max
    }

    /// Lets a session join a conversation, of which `opening` tells it up to `since`. From here on
    /// it hears everything after that, once. Ask while holding the turn.
    pub(crate) fn join(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
        viewer: &UserId,
        since: Seq,
        visible: bool,
        opening: &[OutgoingEvent],
    ) {
        let mut registry = self.registry();
        let missed = registry.join(key, conversation, since, visible);
        for told in opening {
            registry.answer(key, told);
        }
        drop(registry);
        if missed {
            self.repair(conversation, viewer);
        }
    }

    /// Takes a session out of a conversation; `None` when it was not in it. Those who are still in
    /// the room hear it.
    pub(crate) fn leave(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<Membership> {
        let mut registry = self.registry();
        let (user, left) = registry.leave(key, conversation)?;
        Self::tell_left(&mut registry, &user, conversation);
        drop(registry);
        self.stop_writing(key, &user, conversation);
        Some(left)
    }

    /// Tells a room that `user` has left it, unless another session of theirs is there.
    fn tell_left(registry: &mut SessionRegistry, user: &UserId, conversation: &ConversationId) {
        if registry.has_joined(conversation, user) {
            return;
        }
        if let Some(told) = outbound::user_left(user, conversation) {
            registry.tell_room(conversation, None, &told);
        }
    }

    /// What a session is to a conversation's room; `None` when it is not in it.
    pub(crate) fn membership(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<Membership> {
        self.registry().membership(key, conversation)
    }

    /// Says `told` to everyone in a conversation's room.
    pub(crate) fn tell_room(&self, conversation: &ConversationId, told: &OutgoingEvent) {
        self.registry().tell_room(conversation, None, told);
    }

    /// Counts what waits for `user` and tells all their sessions, soon.
    pub(crate) fn schedule_unread_update(&self, user: &UserId) {
        self.inner.totals.count(self, user);
    }

    /// Says `told` to every session.
    pub(crate) fn tell_everyone(&self, told: &OutgoingEvent) {
        self.registry().tell_everyone(told);
    }
}
