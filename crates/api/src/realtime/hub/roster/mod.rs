//! Which sessions there are on this node, whose they are, and which conversations they joined.

mod telling;
mod terms;

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{
    id::{ConversationId, UserId},
    seq::Seq,
    time::Timestamp,
};

use super::{
    super::{
        outlet::Outlet,
        whereabouts::{Whereabout, Whereabouts},
    },
    room::{Member, Membership, Room, Turnout},
};

/// Names a session on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey(u64);

struct Seat {
    user: UserId,
    outlet: Arc<dyn Outlet>,
    expires_at: Option<Timestamp>,
    /// It knows that its token ends soon.
    warned: bool,
    joined: Whereabouts,
}

/// Somebody with sessions on this node.
#[derive(Default)]
struct Person {
    sessions: Vec<SessionKey>,
    /// How much waits for them, while nothing happened that could have changed it.
    unread_total: Option<u64>,
}

#[derive(Default)]
pub(super) struct Roster {
    seats: HashMap<SessionKey, Seat>,
    people: HashMap<UserId, Person>,
    rooms: HashMap<ConversationId, Room>,
    last_key: u64,
}

impl Roster {
    /// Takes a new session in; `None` when its person has `sessions_max` already.
    pub(super) fn enter(
        &mut self,
        user: &UserId,
        outlet: Arc<dyn Outlet>,
        expires_at: Option<Timestamp>,
        sessions_max: usize,
    ) -> Option<SessionKey> {
        let sessions = &mut self.people.entry(user.clone()).or_default().sessions;
        if sessions.len() >= sessions_max {
            return None;
        }
        self.last_key += 1;
        let key = SessionKey(self.last_key);
        sessions.push(key);
        let seat = Seat {
            user: user.clone(),
            outlet,
            expires_at,
            warned: false,
            joined: Whereabouts::default(),
        };
        self.seats.insert(key, seat);
        Some(key)
    }

    /// Forgets a session. Returns whose it was and which conversations it had joined.
    pub(super) fn leave_all(&mut self, key: SessionKey) -> Option<(UserId, Vec<ConversationId>)> {
        let rooms = self.rooms_of(key)?;
        let seat = self.seats.remove(&key)?;
        for conversation in &rooms {
            self.drop_member(conversation, key);
        }
        if let Some(person) = self.people.get_mut(&seat.user) {
            person.sessions.retain(|session| *session != key);
            if person.sessions.is_empty() {
                self.people.remove(&seat.user);
            }
        }
        Some((seat.user, rooms))
    }

    /// Which rooms a session is in, or is about to join again; `None` when it is not here.
    pub(super) fn rooms_of(&self, key: SessionKey) -> Option<Vec<ConversationId>> {
        let rooms = self.seats.get(&key)?.joined.rooms();
        Some(rooms.iter().map(|room| room.conversation.clone()).collect())
    }

    /// Says where a session is about to be. It hears nothing there before it joins.
    pub(super) fn place(&mut self, key: SessionKey, whereabouts: &Whereabouts) {
        if let Some(seat) = self.seats.get_mut(&key) {
            seat.joined = whereabouts.clone();
        }
    }

    /// How many rooms a session is in.
    pub(super) fn joined_count(&self, key: SessionKey) -> usize {
        self.seats.get(&key).map_or(0, |seat| seat.joined.rooms().len())
    }

    /// Lets a session join a conversation whose history up to `since` it was given. Returns whether
    /// those who were there before have missed something.
    pub(super) fn join(
        &mut self,
        key: SessionKey,
        conversation: &ConversationId,
        since: Seq,
        visible: bool,
    ) -> bool {
        let Some(seat) = self.seats.get_mut(&key) else { return false };
        let conversation = conversation.clone();
        seat.joined.enter(Whereabout { conversation: conversation.clone(), visible, told: since });
        let room = self.rooms.entry(conversation).or_insert_with(|| Room::as_of(since));
        room.seat(Member { session: key, since, visible })
    }

    /// Takes a session out of a conversation, and returns whose it is; `None` when it was not in
    /// it.
    pub(super) fn leave(
        &mut self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<(UserId, Membership)> {
        let left = self.membership(key, conversation);
        let seat = self.seats.get_mut(&key)?;
        seat.joined.leave(conversation);
        let (user, left) = (seat.user.clone(), left?);
        self.drop_member(conversation, key);
        Some((user, left))
    }

    /// What a session is to a room.
    pub(super) fn membership(
        &self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<Membership> {
        self.rooms.get(conversation)?.membership(key)
    }

    fn drop_member(&mut self, conversation: &ConversationId, key: SessionKey) {
        if self.rooms.get_mut(conversation).is_some_and(|room| room.unseat(key)) {
            self.rooms.remove(conversation);
        }
    }

    /// Empties the room of a conversation that is no more.
    pub(super) fn close_room(&mut self, conversation: &ConversationId) {
        let Some(room) = self.rooms.remove(conversation) else { return };
        for member in room.members {
            if let Some(seat) = self.seats.get_mut(&member.session) {
                seat.joined.leave(conversation);
            }
        }
    }

    /// Whether a session of `user` has joined, is in sight, and was heard within `silence_max`.
    pub(super) fn is_watching(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        silence_max: Duration,
    ) -> bool {
        let is_awake = |session| {
            self.seats.get(&session).is_some_and(|seat| seat.outlet.silent_for() < silence_max)
        };
        self.members_of(conversation, user).any(|member| member.visible && is_awake(member.session))
    }

    /// Whether a session of `user` has joined.
    pub(super) fn has_joined(&self, conversation: &ConversationId, user: &UserId) -> bool {
        self.members_of(conversation, user).next().is_some()
    }

    fn members_of<'a>(
        &'a self,
        conversation: &ConversationId,
        user: &'a UserId,
    ) -> impl Iterator<Item = &'a Member> {
        let of_user = |member: &&Member| {
            self.seats.get(&member.session).is_some_and(|seat| seat.user == *user)
        };
        let members = self.rooms.get(conversation).map(|room| room.members.iter());
        members.into_iter().flatten().filter(of_user)
    }

    /// Whether `user` has a session on this node.
    pub(super) fn is_here(&self, user: &UserId) -> bool {
        self.people.contains_key(user)
    }

    /// Says whether a batch with positions `first` to `last` is the next to be told.
    pub(super) fn turnout(
        &mut self,
        conversation: &ConversationId,
        first: Seq,
        last: Seq,
    ) -> Turnout {
        let room = self.rooms.get_mut(conversation);
        room.map_or(Turnout::NoRoom, |room| room.turnout(first, last))
    }

    /// The room of a conversation, for its repair; `None` when nobody is there any more.
    pub(super) fn room(&mut self, conversation: &ConversationId) -> Option<&mut Room> {
        self.rooms.get_mut(conversation)
    }

    /// How much waits for `user`, if that is known.
    pub(super) fn unread_total(&self, user: &UserId) -> Option<u64> {
        self.people.get(user).and_then(|person| person.unread_total)
    }

    /// Notes how much waits for `user`, or that it has to be counted.
    pub(super) fn note_unread_total(&mut self, user: &UserId, total: Option<u64>) {
        if let Some(person) = self.people.get_mut(user) {
            person.unread_total = total;
        }
    }
}
