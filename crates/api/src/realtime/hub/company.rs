//! The hub's side of presence and typing: what they hear of sessions, and how they speak to them.

use domain::{
    event::{Event, EventKind},
    id::{ConversationId, UserId},
};

use super::{
    super::{presence::PresenceTracker, told::OutgoingEvent, typing::TypingTracker},
    Hub, SessionKey,
};

impl Hub {
    /// Who can be reached.
    pub(in super::super) fn presence_tracker(&self) -> &PresenceTracker {
        &self.inner.presence_tracker
    }

    /// Who is writing.
    pub(in super::super) fn writing(&self) -> &TypingTracker {
        &self.inner.writing
    }

    /// Says `told` to one session.
    pub(in super::super) fn tell_session(&self, session: SessionKey, told: &OutgoingEvent) {
        self.registry().tell(session, told);
    }

    /// Says `told`, which it asked for, to one session.
    pub(in super::super) fn answer_session(&self, session: SessionKey, told: &OutgoingEvent) {
        self.registry().answer(session, told);
    }

    /// Says `told`, which may be lost, to every session of `user`.
    pub(in super::super) fn tell_user_volatile(&self, user: &UserId, told: &OutgoingEvent) {
        self.registry().tell_user_volatile(user, told);
    }

    /// Says `told`, which may be lost, to everyone in a room but the session it comes from.
    pub(in super::super) fn tell_others_volatile(
        &self,
        conversation: &ConversationId,
        from: SessionKey,
        told: &OutgoingEvent,
    ) {
        self.registry().tell_others_volatile(conversation, from, told);
    }

    /// A session has ended; it was in `rooms`.
    pub(super) fn part_company(
        &self,
        session: SessionKey,
        user: &UserId,
        rooms: &[ConversationId],
    ) {
        for conversation in rooms {
            self.stop_writing(session, user, conversation);
        }
        self.inner.writing.forget(session);
        self.inner.presence_tracker.session_closed(user, session);
    }

    /// A session has left a room.
    pub(super) fn stop_writing(
        &self,
        session: SessionKey,
        user: &UserId,
        conversation: &ConversationId,
    ) {
        self.inner.writing.stop(self, user, conversation, session);
    }

    /// Who talks with whom changes with conversations; who wrote a message has stopped writing it.
    pub(super) fn keep_company(&self, events: &[Event]) {
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
