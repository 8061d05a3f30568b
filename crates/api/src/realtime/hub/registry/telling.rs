//! Saying things to those who are here.

use std::collections::HashMap;

use domain::{
    id::{ConversationId, UserId},
    seq::Seq,
};

use super::{
    super::super::{outlet::SessionClosed, told::OutgoingEvent},
    SessionEntry, SessionKey, SessionRegistry,
};

impl SessionRegistry {
    /// Says `told`, which came with `seq`, to those in the room who do not have it yet. `None`
    /// tells everyone.
    pub(in super::super) fn tell_room(
        &mut self,
        conversation: &ConversationId,
        seq: Option<Seq>,
        told: &OutgoingEvent,
    ) {
        let Some(room) = self.rooms.get(conversation) else { return };
        for member in &room.members {
            if seq.is_none_or(|seq| seq > member.since) {
                tell(&mut self.entries, member.session, told);
            }
        }
    }

    /// Says `told` to every session of `user`.
    pub(in super::super) fn tell_user(&mut self, user: &UserId, told: &OutgoingEvent) {
        for session in self.people.get(user).into_iter().flat_map(|person| &person.sessions) {
            tell(&mut self.entries, *session, told);
        }
    }

    /// Says `told` to one session.
    pub(in super::super) fn tell(&mut self, session: SessionKey, told: &OutgoingEvent) {
        tell(&mut self.entries, session, told);
    }

    /// Says `told`, which it asked for, to one session.
    pub(in super::super) fn answer(&mut self, session: SessionKey, told: &OutgoingEvent) {
        if let Some(entry) = self.entries.get_mut(&session) {
            entry.hear_answer(told);
        }
    }

    /// Says `told`, which may be lost, to every session of `user`.
    pub(in super::super) fn tell_user_volatile(&self, user: &UserId, told: &OutgoingEvent) {
        let sessions = self.people.get(user).into_iter().flat_map(|person| &person.sessions);
        for entry in sessions.filter_map(|session| self.entries.get(session)) {
            entry.outlet.send_volatile(told);
        }
    }

    /// Says `told`, which may be lost, to everyone in a room but the session it comes from.
    pub(in super::super) fn tell_others_volatile(
        &self,
        conversation: &ConversationId,
        from: SessionKey,
        told: &OutgoingEvent,
    ) {
        let Some(room) = self.rooms.get(conversation) else { return };
        let others = room.members.iter().filter(|member| member.session != from);
        for entry in others.filter_map(|member| self.entries.get(&member.session)) {
            entry.outlet.send_volatile(told);
        }
    }

    /// Says `told` to every session.
    pub(in super::super) fn tell_everyone(&mut self, told: &OutgoingEvent) {
        for entry in self.entries.values_mut() {
            entry.advance(told);
        }
    }
}

fn tell(
    entries: &mut HashMap<SessionKey, SessionEntry>,
    session: SessionKey,
    told: &OutgoingEvent,
) {
    if let Some(entry) = entries.get_mut(&session) {
        entry.advance(told);
    }
}

impl SessionEntry {
    fn advance(&mut self, told: &OutgoingEvent) {
        self.joined.advance(told);
        noted(told, self.outlet.send(told, &self.joined));
    }

    fn hear_answer(&mut self, told: &OutgoingEvent) {
        self.joined.advance(told);
        noted(told, self.outlet.answer(told, &self.joined));
    }
}

/// A session that is closing, or too slow, ends by itself and comes back for the rest.
fn noted(told: &OutgoingEvent, sent: Result<(), SessionClosed>) {
    if let Err(error) = sent {
        tracing::debug!(%error, event = told.name(), "an event did not reach a session");
    }
}
