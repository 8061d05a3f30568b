//! The hub: tells the sessions of this node what happened, in order, once.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    conversation::{
        event::{Event, EventKind},
        store::{LogPiece, LogStore, ReadingStore},
    },
    ids::{ConversationId, Seq, UserId},
    participant::store::ParticipantStore,
    ports::{Fanout, MarkedMessage, PublishGuard},
    store::Store,
    time::Timestamp,
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::{
    Retry, Settings,
    delivery::{self, Delivery},
    events::{self, OutgoingEvent},
    presence::PresenceTracker,
    registry::{BatchOrder, EventSink, Progress, Room, SessionRegistry},
    resume::Subscriptions,
    typing::TypingTracker,
    unread::UnreadCounter,
};
use crate::links::Links;

pub(crate) use super::registry::{Membership, SessionKey};

/// How long after a ping a client that is awake has answered it, in milliseconds. It is pinged once
/// in a ping interval, so nobody looks who was silent for that and this.
const PONG_EXPECTED_WITHIN_MS: u64 = 5_000;

/// The sessions of this node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    registry: Mutex<SessionRegistry>,
    turns: ConversationLocks,
    pub(super) totals: UnreadCounter,
    presence_tracker: PresenceTracker,
    writing: TypingTracker,
    /// Whoever was silent for so long looks at nothing.
    silence_max: Duration,
    links: Links,
    log: Arc<dyn LogStore>,
}

impl Hub {
    /// With the usual settings.
    #[cfg(test)]
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self::with_settings(store, &Settings::default(), crate::testing::links())
    }

    /// Nobody is here yet.
    pub(crate) fn with_settings(store: Arc<dyn Store>, settings: &Settings, links: Links) -> Self {
        Self::over(store.clone(), store.clone(), store, settings, links)
    }

    /// The same over the ports that it asks: logs for what a session missed, horizons for totals,
    /// the directory for who may see whom.
    pub(crate) fn over(
        log: Arc<dyn LogStore>,
        reading: Arc<dyn ReadingStore>,
        participants: Arc<dyn ParticipantStore>,
        settings: &Settings,
        links: Links,
    ) -> Self {
        let silence_max_ms =
            settings.socket.ping_interval_ms.saturating_add(PONG_EXPECTED_WITHIN_MS);
        let inner = Inner {
            registry: Mutex::default(),
            turns: ConversationLocks::new(),
            totals: UnreadCounter::new(reading),
            presence_tracker: PresenceTracker::new(settings.presence, participants),
            writing: TypingTracker::new(settings.typing),
            silence_max: Duration::from_millis(silence_max_ms),
            links,
            log,
        };
        Self { inner: Arc::new(inner) }
    }

    /// No code that holds this lock can panic halfway through a change, so a poisoned one is sound.
    pub(super) fn registry(&self) -> MutexGuard<'_, SessionRegistry> {
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
        if let Some(told) = events::user_left(user, conversation) {
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

// From what was committed to what is said, in turns.

impl Hub {
    /// Tells what happened. `events` were committed together and follow one another.
    fn publish(&self, events: &[Event]) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let conversation = &first.conversation;
        let steps = delivery::steps(events, self.links());
        let mut registry = self.registry();
        let batch_order = registry.batch_order(conversation, first.seq, last.seq);
        match batch_order {
            BatchOrder::Next => Self::say(&mut registry, last, &steps),
            BatchOrder::NoSubscribers => Self::say_to_people(&mut registry, &steps),
            BatchOrder::OutgoingEvent | BatchOrder::Gap => {}
        }
        drop(registry);
        self.count(&steps);
        self.keep_company(events);
        if batch_order == BatchOrder::Gap {
            self.repair(conversation, &first.parties.salon);
        }
    }

    /// Says what `steps` say; all under one lock, so that sessions hear it in one order.
    fn say(registry: &mut SessionRegistry, last: &Event, steps: &[Delivery]) {
        for step in steps {
            match step {
                Delivery::TellRoom(told) => {
                    registry.tell_room(&last.conversation, Some(last.seq), told);
                }
                Delivery::TellUser(user, told) => registry.tell_user(user, told),
                Delivery::CountUnread(_)
                | Delivery::RepeatUnread(_)
                | Delivery::RepeatUnreadLater(_) => {}
            }
        }
        if last.kind == EventKind::ConversationDeleted {
            registry.close_room(&last.conversation);
        }
    }

    /// Says what `steps` say to people wherever they are.
    fn say_to_people(registry: &mut SessionRegistry, steps: &[Delivery]) {
        for step in steps {
            if let Delivery::TellUser(user, told) = step {
                registry.tell_user(user, told);
            }
        }
    }

    fn count(&self, steps: &[Delivery]) {
        for step in steps {
            match step {
                Delivery::CountUnread(user) => self.schedule_unread_update(user),
                Delivery::RepeatUnread(user) => self.inner.totals.repeat(self, user),
                Delivery::RepeatUnreadLater(user) => self.inner.totals.repeat_later(self, user),
                Delivery::TellRoom(_) | Delivery::TellUser(..) => {}
            }
        }
    }
}

#[async_trait]
impl Fanout for Hub {
    async fn turn(&self, conversation: &ConversationId) -> Box<dyn PublishGuard> {
        let guard = self.take_turn(conversation).await;
        Box::new(HeldPublishGuard { hub: self.clone(), _guard: guard })
    }

    fn message_read(&self, marked: &MarkedMessage) {
        let author = &marked.author;
        if let Some(told) = events::message_read(marked) {
            self.registry().tell_user(author, &told);
        }
        // Their total is what it was. But the shipped page takes one off its badge for each receipt,
        // some time after it came; so it is told the total behind it, and again when it has settled.
        self.inner.totals.repeat(self, author);
        self.inner.totals.repeat_later(self, author);
    }

    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool {
        self.registry().is_watching(conversation, user, self.inner.silence_max)
    }
}

struct HeldPublishGuard {
    hub: Hub,
    _guard: OwnedMutexGuard<()>,
}

impl PublishGuard for HeldPublishGuard {
    fn publish(self: Box<Self>, events: Vec<Event>) {
        self.hub.publish(&events);
    }
}

// The hub's side of presence and typing: what they hear of sessions, and how they speak to them.

impl Hub {
    /// Who can be reached.
    pub(super) fn presence_tracker(&self) -> &PresenceTracker {
        &self.inner.presence_tracker
    }

    /// Who is writing.
    pub(super) fn writing(&self) -> &TypingTracker {
        &self.inner.writing
    }

    /// Says `told` to one session.
    pub(super) fn tell_session(&self, session: SessionKey, told: &OutgoingEvent) {
        self.registry().tell(session, told);
    }

    /// Says `told`, which it asked for, to one session.
    pub(super) fn answer_session(&self, session: SessionKey, told: &OutgoingEvent) {
        self.registry().answer(session, told);
    }

    /// Says `told`, which may be lost, to every session of `user`.
    pub(super) fn tell_user_volatile(&self, user: &UserId, told: &OutgoingEvent) {
        self.registry().tell_user_volatile(user, told);
    }

    /// Says `told`, which may be lost, to everyone in a room but the session it comes from.
    pub(super) fn tell_others_volatile(
        &self,
        conversation: &ConversationId,
        from: SessionKey,
        told: &OutgoingEvent,
    ) {
        self.registry().tell_others_volatile(conversation, from, told);
    }

    /// A session has ended; it was in `rooms`.
    fn part_company(&self, session: SessionKey, user: &UserId, rooms: &[ConversationId]) {
        for conversation in rooms {
            self.stop_writing(session, user, conversation);
        }
        self.inner.writing.forget(session);
        self.inner.presence_tracker.session_closed(user, session);
    }

    /// A session has left a room.
    fn stop_writing(&self, session: SessionKey, user: &UserId, conversation: &ConversationId) {
        self.inner.writing.stop(self, user, conversation, session);
    }

    /// Who talks with whom changes with conversations; who wrote a message has stopped writing it.
    fn keep_company(&self, events: &[Event]) {
        for event in events {
            match &event.kind {
                EventKind::ConversationOpened { .. } => {
                    self.inner.presence_tracker.partners_added(self, &event.parties);
                }
                EventKind::ConversationDeleted => {
                    self.inner.presence_tracker.partners_removed(self, &event.parties)
                }
                EventKind::MessagePosted(message) => {
                    self.inner.writing.end(self, &message.author.id, &event.conversation);
                }
                _ => {}
            }
        }
    }
}

// When tokens end, and their sessions with them.

impl Hub {
    /// From now on the session's token ends at `expires_at`.
    pub(crate) fn renew(&self, key: SessionKey, expires_at: Option<Timestamp>) {
        self.registry().renew(key, expires_at);
    }

    /// Tells sessions whose tokens end within `notice_ms` of `now`, each once for each token.
    pub(crate) fn warn_of_expiry(&self, now: Timestamp, notice_ms: u64) {
        let mut registry = self.registry();
        for (key, end) in registry.expiring(now, notice_ms) {
            if let Some(told) = events::auth_expiring(end) {
                registry.tell(key, &told);
            }
        }
    }

    /// The sessions whose tokens have ended by `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<Arc<dyn EventSink>> {
        self.registry().expired(now)
    }
}

// Turns: on this node, changes of one conversation follow one another.

/// How many locks all conversations share. Two that share one only wait for each other.
const STRIPES: usize = 1_024;

/// One lock for every conversation, in bounded memory.
pub(super) struct ConversationLocks {
    stripes: Vec<Arc<AsyncMutex<()>>>,
    hasher: RandomState,
}

impl ConversationLocks {
    pub(super) fn new() -> Self {
        let stripes = (0..STRIPES).map(|_| Arc::default()).collect();
        Self { stripes, hasher: RandomState::new() }
    }

    /// Waits for the turn of `conversation`; dropping the guard gives it up.
    pub(super) async fn take(&self, conversation: &ConversationId) -> OwnedMutexGuard<()> {
        let stripes = self.stripes.len() as u64;
        let index =
            usize::try_from(self.hasher.hash_one(conversation) % stripes).unwrap_or_default();
        self.stripes[index].clone().lock_owned().await
    }
}

// Catching up from the log when something was committed and never told: its teller died between
// the two.

/// How many events are read at a time.
const REPAIR_EVENTS_MAX: u32 = 200;

impl Hub {
    /// Reads what the room has missed from the log, in the eyes of `viewer`, and tells it. One at a
    /// time for each room; ends when the room has caught up, or nobody is left in it.
    fn repair(&self, conversation: &ConversationId, viewer: &UserId) {
        let ours = self.registry().room(conversation).is_some_and(Room::start_repair);
        if !ours {
            return;
        }
        let (hub, conversation, viewer) = (self.clone(), conversation.clone(), viewer.clone());
        tokio::spawn(async move {
            let mut retry = Retry::new();
            while let Some(progress) = hub.progress(&conversation) {
                match hub.read_log(&conversation, &viewer, progress.told).await {
                    Some(LogPiece::Events(events)) => {
                        if hub.caught_up(&conversation, progress, &events) {
                            return;
                        }
                        retry.succeeded();
                    }
                    Some(LogPiece::Trimmed) => hub.give_up(&conversation, progress),
                    None => {
                        retry.wait().await;
                    }
                }
            }
        });
    }

    fn progress(&self, conversation: &ConversationId) -> Option<Progress> {
        self.registry().room(conversation).map(|room| room.progress())
    }

    async fn read_log(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
    ) -> Option<LogPiece> {
        match self.inner.log.events_after(conversation, viewer, after, REPAIR_EVENTS_MAX).await {
            Ok(piece) => Some(piece.unwrap_or(LogPiece::Events(Vec::new()))),
            Err(error) => {
                tracing::warn!(%error, conversation.id = %conversation, "a room waits for its log");
                None
            }
        }
    }

    /// What was missed is forgotten: those in the room have to load the conversation anew.
    fn give_up(&self, conversation: &ConversationId, before: Progress) {
        let mut registry = self.registry();
        if let Some(told) = events::resync(Some(conversation)) {
            registry.tell_room(conversation, None, &told);
        }
        if let Some(room) = registry.room(conversation) {
            room.repaired_to(before.heard);
        }
    }

    /// Tells `events`, which follow `before`. Without any the repair may be over.
    fn caught_up(&self, conversation: &ConversationId, before: Progress, events: &[Event]) -> bool {
        let Some(last) = events.last() else {
            return self.registry().room(conversation).is_none_or(|room| room.end_repair(before));
        };
        let steps: Vec<_> = events
            .iter()
            .map(|event| (event, delivery::steps(std::slice::from_ref(event), self.links())))
            .collect();
        let mut registry = self.registry();
        for (event, steps) in &steps {
            Self::say(&mut registry, event, steps);
        }
        if let Some(room) = registry.room(conversation) {
            room.repaired_to(last.seq);
        }
        drop(registry);
        for (_, steps) in &steps {
            self.count(steps);
        }
        false
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod turns_tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_turn_is_one_s_own_until_it_is_given_up() {
        let turns = ConversationLocks::new();
        let conversation = ConversationId::parse("c1").expect("a good id");
        let held = turns.take(&conversation).await;
        assert!(turns.take(&conversation).now_or_never().is_none());
        drop(held);
        assert!(turns.take(&conversation).now_or_never().is_some());
    }
}
