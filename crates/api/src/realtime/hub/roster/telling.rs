//! Saying things to those who are here.

use std::collections::HashMap;

use domain::{
    id::{ConversationId, UserId},
    seq::Seq,
};

use super::{
    super::super::{outlet::Ending, told::Told},
    Roster, Seat, SessionKey,
};

impl Roster {
    /// Says `told`, which came with `seq`, to those in the room who do not have it yet. `None`
    /// tells everyone.
    pub(in super::super) fn tell_room(
        &mut self,
        conversation: &ConversationId,
        seq: Option<Seq>,
        told: &Told,
    ) {
        let Some(room) = self.rooms.get(conversation) else { return };
        for member in &room.members {
            if seq.is_none_or(|seq| seq > member.since) {
                tell(&mut self.seats, member.session, told);
            }
        }
    }

    /// Says `told` to every session of `user`.
    pub(in super::super) fn tell_user(&mut self, user: &UserId, told: &Told) {
        for session in self.people.get(user).into_iter().flat_map(|person| &person.sessions) {
            tell(&mut self.seats, *session, told);
        }
    }

    /// Says `told` to one session.
    pub(in super::super) fn tell(&mut self, session: SessionKey, told: &Told) {
        tell(&mut self.seats, session, told);
    }

    /// Says `told`, which it asked for, to one session.
    pub(in super::super) fn answer(&mut self, session: SessionKey, told: &Told) {
        if let Some(seat) = self.seats.get_mut(&session) {
            seat.hear_answer(told);
        }
    }

    /// Says `told`, which may be lost, to every session of `user`.
    pub(in super::super) fn tell_user_volatile(&self, user: &UserId, told: &Told) {
        let sessions = self.people.get(user).into_iter().flat_map(|person| &person.sessions);
        for seat in sessions.filter_map(|session| self.seats.get(session)) {
            seat.outlet.send_volatile(told);
        }
    }

    /// Says `told`, which may be lost, to everyone in a room but the session it comes from.
    pub(in super::super) fn tell_others_volatile(
        &self,
        conversation: &ConversationId,
        from: SessionKey,
        told: &Told,
    ) {
        let Some(room) = self.rooms.get(conversation) else { return };
        let others = room.members.iter().filter(|member| member.session != from);
        for seat in others.filter_map(|member| self.seats.get(&member.session)) {
            seat.outlet.send_volatile(told);
        }
    }

    /// Says `told` to every session.
    pub(in super::super) fn tell_everyone(&mut self, told: &Told) {
        for seat in self.seats.values_mut() {
            seat.hear(told);
        }
    }
}

fn tell(seats: &mut HashMap<SessionKey, Seat>, session: SessionKey, told: &Told) {
    if let Some(seat) = seats.get_mut(&session) {
        seat.hear(told);
    }
}

impl Seat {
    fn hear(&mut self, told: &Told) {
        self.joined.hear(told);
        noted(told, self.outlet.send(told, &self.joined));
    }

    fn hear_answer(&mut self, told: &Told) {
        self.joined.hear(told);
        noted(told, self.outlet.answer(told, &self.joined));
    }
}

/// A session that is closing, or too slow, ends by itself and comes back for the rest.
fn noted(told: &Told, sent: Result<(), Ending>) {
    if let Err(error) = sent {
        tracing::debug!(%error, event = told.name(), "an event did not reach a session");
    }
}
