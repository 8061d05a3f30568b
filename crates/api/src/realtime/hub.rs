//! The hub: sends the sessions of this node what happened, in order, once.
//!
//! It owns the registry of sessions and those who send through it, and calls down only: hub to typing,
//! presence and unread totals, typing to presence, and all of them to the registry. Locks are taken in
//! the same direction; none of those below can name the hub.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use domain::{
    conversation::{
        event::{Event, EventKind},
        store::{LogPiece, LogStore, ReadingStore},
    },
    ids::{ConversationId, Seq, UserId},
    participant::store::ParticipantStore,
    ports::{Fanout, MarkedMessage, PersonChange},
    privacy::session_end::{SessionEnd, SessionEndReason},
    store::Store,
    time::Timestamp,
};
use tokio::runtime::Handle;

use super::{
    delivery::{self, Delivery},
    events::{self, OutgoingEvent},
    presence::PresenceTracker,
    registry::{
        self, DisconnectCause, EventSink, Joined, Registrations, SessionRegistry, TokenTimes,
    },
    retry::{caught, until_done},
    room::{BatchOrder, JoinKey, Progress, RoomId, Sent},
    settings::Settings,
    subscriptions::Subscriptions,
    typing::TypingTracker,
    unread::UnreadCounter,
};
use crate::{ended_tokens::EndedTokens, links::Links};

pub(crate) use super::{
    registry::Opening,
    room::{Membership, SessionKey},
};

/// How long after a ping a client that is awake has answered it, in milliseconds. Clients are pinged
/// once in a ping interval, so one that was silent for that and this is not watching.
const PONG_EXPECTED_WITHIN_MS: u64 = 5_000;

/// The sessions of this node, and what they are sent. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    sessions: Arc<SessionRegistry>,
    ended_tokens: EndedTokens,
    pub(super) unread: Arc<UnreadCounter>,
    presence: Arc<PresenceTracker>,
    typing: Arc<TypingTracker>,
    /// A client that was silent for so long is not watching.
    silence_max: Duration,
    links: Links,
    log: Arc<dyn LogStore>,
    /// Where repairs run: whoever publishes a change may have a runtime that ends with it.
    runtime: Handle,
}

impl Hub {
    /// Without any session. To be called inside the runtime on which the hub reads from the store; changes
    /// may be published from any thread.
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
        let sessions = Arc::new(SessionRegistry::default());
        let runtime = Handle::current();
        let presence = PresenceTracker::new(
            settings.presence,
            sessions.clone(),
            participants,
            runtime.clone(),
        );
        let presence = Arc::new(presence);
        let typing = TypingTracker::new(settings.typing, sessions.clone(), presence.clone());
        let inner = Inner {
            unread: Arc::new(UnreadCounter::new(sessions.clone(), reading, runtime.clone())),
            presence,
            typing: Arc::new(typing),
            sessions,
            ended_tokens: EndedTokens::default(),
            silence_max: Duration::from_millis(silence_max_ms),
            links,
            log,
            runtime,
        };
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, Registrations> {
        self.inner.sessions.lock()
    }

    /// Who is online.
    pub(super) fn presence(&self) -> &Arc<PresenceTracker> {
        &self.inner.presence
    }

    /// Who is typing.
    pub(super) fn typing(&self) -> &Arc<TypingTracker> {
        &self.inner.typing
    }

    /// What makes links to the files of messages.
    pub(crate) fn links(&self) -> &Links {
        &self.inner.links
    }

    /// Adds a session; `None` when its person has `sessions_max` already.
    pub(crate) fn enter(
        &self,
        user: &UserId,
        sink: Arc<dyn EventSink>,
        token: impl Into<TokenTimes>,
        sessions_max: usize,
    ) -> Option<SessionKey> {
        self.sessions().enter(user, sink, token.into(), sessions_max)
    }

    /// Removes a session that has ended. The other members of its rooms are sent `user-left`.
    pub(crate) fn exit(&self, key: SessionKey) {
        let mut sessions = self.sessions();
        let Some((user, rooms)) = sessions.leave_all(key) else { return };
        for conversation in &rooms {
            Self::send_left(&mut sessions, &user, conversation);
        }
        drop(sessions);
        for conversation in &rooms {
            self.inner.typing.stop(&user, conversation, key);
        }
        self.inner.typing.forget(key);
        self.inner.presence.session_closed(&user, key);
    }

    /// Which rooms a session is in; `None` when it has ended.
    pub(crate) fn rooms_of(&self, key: SessionKey) -> Option<Vec<ConversationId>> {
        self.sessions().rooms_of(key)
    }

    /// Sets the subscriptions of a session that is being restored.
    pub(crate) fn set_subscriptions(&self, key: SessionKey, subscriptions: &Subscriptions) {
        self.sessions().set_subscriptions(key, subscriptions);
    }

    /// Whether one more room is within `rooms_max` for this session.
    pub(crate) fn may_join(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
        rooms_max: usize,
    ) -> bool {
        let sessions = self.sessions();
        sessions.membership(key, conversation).is_some() || sessions.joined_count(key) < rooms_max
    }

    /// Lets a session begin to join a conversation, before it reads what it is sent first. Nothing that
    /// happens from here on is missed.
    pub(crate) fn begin_join(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
        visible: bool,
    ) -> PendingJoin {
        let join = self.sessions().begin_join(key, conversation, visible);
        PendingJoin { hub: self.clone(), join, session: key, conversation: conversation.clone() }
    }

    /// Lets a session leave a conversation; `None` when it had not joined. The other
    /// members are sent `user-left`.
    pub(crate) fn leave(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<Membership> {
        let mut sessions = self.sessions();
        let (user, left) = sessions.leave(key, conversation)?;
        Self::send_left(&mut sessions, &user, conversation);
        drop(sessions);
        self.inner.typing.stop(&user, conversation, key);
        Some(left)
    }

    /// Tells a room that `user` has left it, unless another session of theirs is there.
    fn send_left(sessions: &mut Registrations, user: &UserId, conversation: &ConversationId) {
        if sessions.has_joined(conversation, user) {
            return;
        }
        if let Some(event) = events::user_left(user, conversation) {
            sessions.send_to_room(conversation, &event);
        }
    }

    /// The membership of a session in a conversation's room; `None` when it has not joined.
    pub(crate) fn membership(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<Membership> {
        self.sessions().membership(key, conversation)
    }

    /// Sends `event` to the session that asked for it.
    pub(super) fn answer(&self, session: SessionKey, event: &OutgoingEvent) {
        self.sessions().answer(session, event);
    }

    /// Sends `event` to every session.
    pub(crate) fn send_to_all(&self, event: &OutgoingEvent) {
        self.sessions().send_to_all(event);
    }

    /// Counts what is unread for `user` and sends it to all their sessions, soon.
    pub(crate) fn schedule_unread_update(&self, user: &UserId) {
        self.inner.unread.count(user);
    }
}

/// A session that has begun to join a conversation, and reads what it is sent first. Dropping it
/// withdraws the join, and leaves no trace of it.
pub(crate) struct PendingJoin {
    hub: Hub,
    join: JoinKey,
    session: SessionKey,
    conversation: ConversationId,
}

impl PendingJoin {
    /// Makes the session of `user` a member. It is sent `opening`, which was read as that person since the
    /// join began, and from there on everything that happens, once; and the room is sent `user-joined`.
    /// False when it is no member: it has ended, or the conversation was deleted meanwhile, which it is
    /// sent behind its opening.
    pub(crate) fn complete(self, user: &UserId, opening: &Opening<'_>, notice: JoinNotice) -> bool {
        let event = events::user_joined(user, &self.conversation);
        self.admit(user, opening, event.as_ref(), notice)
    }

    /// All under one lock, so that nobody is sent that somebody left before they are sent that they joined.
    fn admit(
        self,
        user: &UserId,
        opening: &Opening<'_>,
        event: Option<&OutgoingEvent>,
        notice: JoinNotice,
    ) -> bool {
        let Self { hub, join, session, conversation } = &self;
        let mut sessions = hub.sessions();
        let was_present = sessions.has_joined(conversation, user);
        let joined = sessions.complete_join(*join, conversation, opening);
        let is_member = matches!(joined, Joined::Member { .. });
        let is_news = notice == JoinNotice::Always || !was_present;
        match event.filter(|_| is_member) {
            Some(event) if is_news => sessions.send_to_room(conversation, event),
            // The session itself is sent it at any rate: with it comes the first offset that covers its
            // opening. What it was sent while it was joining had an earlier one.
            Some(event) => sessions.send(*session, event),
            None => {}
        }
        drop(sessions);
        if joined == (Joined::Member { missed: true }) {
            hub.repair(conversation, user);
        }
        is_member
    }
}

/// When a room is sent that somebody joined it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinNotice {
    /// Each time that a client joins, also one that has joined already.
    Always,
    /// Unless the person has another session there, and so was never said to have left: for a session that
    /// is restored. Only that one is sent it then.
    UnlessPresent,
}

impl Drop for PendingJoin {
    fn drop(&mut self) {
        self.hub.sessions().withdraw_join(self.join, &self.conversation);
    }
}

// From what was committed to what is sent, one change of a conversation after another.

impl Hub {
    /// Sends what happened. `events` were committed together and follow one another. A panic on the way
    /// keeps nobody from them: whoever was not sent them is sent them from the log, or told to load anew.
    fn publish_events(&self, events: &[Event]) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let mut before = None;
        if caught("publishing", || self.publish_batch(first, last, events, &mut before)).is_none() {
            let _logged = caught("recovering from a panic", || self.recover_batch(last, before));
        }
        let _logged = caught("following what was published", || self.update_trackers(events));
    }

    /// Says in `before` what had been sent when it begins to deliver.
    fn publish_batch(
        &self,
        first: &Event,
        last: &Event,
        events: &[Event],
        before: &mut Option<Sent>,
    ) {
        let conversation = &first.conversation;
        let deliveries = delivery::deliveries(events, self.links());
        let mut sessions = self.sessions();
        let (batch_order, sent) = sessions.batch_order(conversation, first.seq, last.seq);
        if batch_order != BatchOrder::Gap {
            *before = Some(sent);
            Self::deliver(&mut sessions, last, &deliveries, sent);
        }
        drop(sessions);
        self.count(&deliveries);
        if batch_order == BatchOrder::Gap {
            self.repair(conversation, &first.parties.salon);
        }
    }

    /// Makes good a panic while the batch that ends with `last` was published. The log is read for the
    /// room; when there is nobody to read it for, both people are told to load the conversation anew.
    fn recover_batch(&self, last: &Event, before: Option<Sent>) {
        let mut sessions = self.sessions();
        let has_to_be_read = sessions.rewind(&last.conversation, before, last.seq);
        if !has_to_be_read {
            Self::send_resync(&mut sessions, last);
        }
        drop(sessions);
        if has_to_be_read {
            self.repair(&last.conversation, &last.parties.salon);
        }
        self.inner.unread.count(&last.parties.salon);
        self.inner.unread.count(&last.parties.client);
    }

    /// Tells everybody who might have been sent `event` to load its conversation anew.
    fn send_resync(sessions: &mut Registrations, event: &Event) {
        if let Some(resync) = events::resync(Some(&event.conversation)) {
            sessions.send_to_user(&event.parties.salon, &resync);
            sessions.send_to_user(&event.parties.client, &resync);
        }
        if event.kind == EventKind::ConversationDeleted {
            sessions.close_room(&event.conversation);
        }
    }

    /// Sends `deliveries`, the last of which is about `last`, to those who were not `sent` them before:
    /// all under one lock, so that all sessions are sent them in one order.
    fn deliver(sessions: &mut Registrations, last: &Event, deliveries: &[Delivery], sent: Sent) {
        for delivery in deliveries {
            #[cfg(test)]
            tests::faults::before_delivery();
            match delivery {
                Delivery::TellRoom(event) => sessions.send_entry_to_room(event, sent),
                Delivery::TellUser(user, event) => sessions.send_entry_to_user(user, event, sent),
                Delivery::CountUnread(_)
                | Delivery::RepeatUnread(_)
                | Delivery::RepeatUnreadLater(_) => {}
            }
        }
        sessions.release_overflowed(&last.conversation);
        if last.kind == EventKind::ConversationDeleted {
            sessions.close_room(&last.conversation);
        }
    }

    fn count(&self, deliveries: &[Delivery]) {
        let unread = &self.inner.unread;
        for delivery in deliveries {
            match delivery {
                Delivery::CountUnread(user) => unread.count(user),
                Delivery::RepeatUnread(user) => unread.repeat(user),
                Delivery::RepeatUnreadLater(user) => unread.repeat_later(user),
                Delivery::TellRoom(_) | Delivery::TellUser(..) => {}
            }
        }
    }

    /// Who talks with whom changes with conversations; who has sent a message has stopped typing it.
    fn update_trackers(&self, events: &[Event]) {
        let Inner { presence, typing, .. } = &*self.inner;
        for event in events {
            match &event.kind {
                EventKind::ConversationOpened { .. } => presence.partners_added(&event.parties),
                EventKind::ConversationDeleted => presence.partners_removed(&event.parties),
                EventKind::MessagePosted(message) => {
                    typing.end(&message.author.id, &event.conversation);
                }
                _ => {}
            }
        }
    }
}

impl Fanout for Hub {
    fn publish(&self, events: &[Event]) {
        self.publish_events(events);
    }

    fn message_read(&self, marked: &MarkedMessage) {
        let author = &marked.author;
        if let Some(event) = events::message_read(marked) {
            self.sessions().send_to_user(author, &event);
        }
        // Their total has not changed. But the shipped front end takes one off its badge for each
        // receipt, some time after it came; so it is sent the total behind it, and once more later.
        self.inner.unread.repeat(author);
        self.inner.unread.repeat_later(author);
    }

    fn person_changed(&self, user: &UserId, change: PersonChange) {
        match change {
            PersonChange::Profile => self.inner.presence.profile_changed(user),
            PersonChange::Forgotten => {
                let at = Timestamp::UNIX_EPOCH;
                self.end_sessions(&SessionEnd::of_erased(user.clone(), at));
            }
            PersonChange::Revoked(before) => {
                let reason = SessionEndReason::Revoked;
                self.end_sessions(&SessionEnd { person: user.clone(), before, reason });
            }
        }
    }

    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool {
        self.sessions().is_watching(conversation, user, self.inner.silence_max)
    }
}

// When tokens end, and their sessions with them.

impl Hub {
    /// The session has this token from now on.
    pub(crate) fn renew(&self, key: SessionKey, token: impl Into<TokenTimes>) {
        self.sessions().renew(key, token.into());
    }

    /// The tokens that count no longer, before they expire.
    pub(crate) fn ended_tokens(&self) -> &EndedTokens {
        &self.inner.ended_tokens
    }

    /// Ends tokens, and the sessions that have them. Known first: of a session that is just being opened
    /// either this ends it, or it finds its token ended.
    pub(crate) fn end_sessions(&self, end: &SessionEnd) {
        let is_news = self.inner.ended_tokens.insert(end);
        if is_news && end.reason == SessionEndReason::Erased {
            self.inner.presence.person_forgotten(&end.person);
        }
        let cause = match end.reason {
            SessionEndReason::Revoked => DisconnectCause::TokenExpired,
            SessionEndReason::Erased => DisconnectCause::Forgotten,
        };
        self.disconnect_ended(&end.person, cause);
    }

    /// Ends the sessions of `user` whose tokens count no longer.
    pub(crate) fn disconnect_ended(&self, user: &UserId, cause: DisconnectCause) {
        let is_ended = |issued_at| self.inner.ended_tokens.contains(user, issued_at);
        let sinks = self.sessions().sinks_of(user, is_ended);
        for sink in sinks {
            registry::disconnect(&*sink, cause);
        }
    }

    /// Warns sessions whose tokens end within `notice_ms` of `now`, each once for each token.
    pub(crate) fn warn_of_expiry(&self, now: Timestamp, notice_ms: u64) {
        let mut sessions = self.sessions();
        for (key, end) in sessions.expiring(now, notice_ms) {
            if let Some(event) = events::auth_expiring(end) {
                sessions.send(key, &event);
            }
        }
    }

    /// The sessions whose tokens have ended by `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<Arc<dyn EventSink>> {
        self.sessions().expired(now)
    }
}

// Repairing a room from the log, when something was committed and not published here before what
// follows it: the process died in between, or a session has read it already.

/// How many events are read at a time.
const REPAIR_EVENTS_MAX: u32 = 200;

impl Hub {
    /// Reads what the room has missed from the log, as `viewer` sees it, and sends it. One at a time
    /// for each room; ends when the room has caught up or is empty. What is published meanwhile and
    /// follows what was delivered is delivered at once.
    fn repair(&self, conversation: &ConversationId, viewer: &UserId) {
        let Some(room) = self.sessions().start_repair(conversation) else { return };
        let repair =
            Repair { hub: self.clone(), conversation: conversation.clone(), room, ended: false };
        self.inner.runtime.spawn(repair.run(viewer.clone()));
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
                tracing::warn!(%error, conversation.id = %conversation, "the log could not be read for a room; retrying");
                None
            }
        }
    }

    /// Sends what the log says follows `before`.
    fn deliver_repaired(
        &self,
        conversation: &ConversationId,
        id: RoomId,
        before: Progress,
        piece: &LogPiece,
    ) {
        let events: &[Event] = match piece {
            LogPiece::Events(events) => events,
            LogPiece::Trimmed => &[],
        };
        let batches: Vec<_> =
            events.iter().map(|event| (event, self.deliveries_of(event))).collect();
        let mut sessions = self.sessions();
        let Some(room) = sessions.room(conversation, id) else { return };
        if !room.continues(before) {
            return;
        }
        match piece {
            LogPiece::Trimmed => {
                room.repaired_to(before.known_seq);
                // The log no longer reaches back: those in the room have to load the conversation again.
                if let Some(event) = events::resync(Some(conversation)) {
                    sessions.send_to_room(conversation, &event);
                }
            }
            LogPiece::Events(events) if events.is_empty() => room.found_nothing(before),
            LogPiece::Events(_) => {}
        }
        let mut delivered = Vec::new();
        for (event, deliveries) in &batches {
            let room = sessions.room(conversation, id);
            let Some(sent) = room.and_then(|room| room.take_repaired(event.seq)) else { continue };
            let deliver = |deliveries: &Vec<Delivery>| {
                let sessions = &mut *sessions;
                caught("delivering from the log", || {
                    Self::deliver(sessions, event, deliveries, sent);
                })
            };
            // An event that panics here too is not tried for ever: its conversation is loaded anew.
            if deliveries.as_ref().and_then(deliver).is_none() {
                Self::send_resync(&mut sessions, event);
            }
            delivered.extend(deliveries);
        }
        drop(sessions);
        for deliveries in delivered {
            self.count(deliveries);
        }
    }

    /// What to do about an event of the log; `None` when that panicked.
    fn deliveries_of(&self, event: &Event) -> Option<Vec<Delivery>> {
        let events = std::slice::from_ref(event);
        caught("reading the log", || delivery::deliveries(events, self.links()))
    }
}

/// The repair of one room. Dropping it, also by a task that is cancelled, lets the next one begin.
struct Repair {
    hub: Hub,
    conversation: ConversationId,
    room: RoomId,
    /// Whether the room has caught up, or is gone.
    ended: bool,
}

impl Repair {
    async fn run(mut self, viewer: UserId) {
        until_done("repairing a room", || self.step(&viewer)).await;
        self.ended = true;
    }

    /// Delivers what the log says next, as `viewer` sees it. Returns whether that was all; `None` when the
    /// log could not be read.
    async fn step(&self, viewer: &UserId) -> Option<bool> {
        let Self { hub, conversation, room, .. } = self;
        let progress = hub.sessions().repair_progress(conversation, *room);
        let Some(progress) = progress else { return Some(true) };
        let piece = hub.read_log(conversation, viewer, progress.delivered_seq).await?;
        hub.deliver_repaired(conversation, *room, progress, &piece);
        Some(false)
    }
}

impl Drop for Repair {
    fn drop(&mut self) {
        if !self.ended
            && let Some(room) = self.hub.sessions().room(&self.conversation, self.room)
        {
            room.abandon_repair();
        }
    }
}

#[cfg(test)]
mod tests;
