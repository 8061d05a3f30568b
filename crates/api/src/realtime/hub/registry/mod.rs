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
        outlet::EventSink,
        subscriptions::{Subscription, Subscriptions},
    },
    room::{BatchOrder, Member, Membership, Room},
};

/// Names a session on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey(u64);

struct SessionEntry {
    user: UserId,
    outlet: Arc<dyn EventSink>,
    expires_at: Option<Timestamp>,
    /// It knows that its token ends soon.
    warned: bool,
    joined: Subscriptions,
}

/// Somebody with sessions on this node.
#[derive(Default)]
struct Person {
    sessions: Vec<SessionKey>,
    /// How much waits for them, while nothing happened that could have changed it.
    unread_total: Option<u64>,
}

#[derive(Default)]
pub(super) struct SessionRegistry {
    entries: HashMap<SessionKey, SessionEntry>,
    people: HashMap<UserId, Person>,
    rooms: HashMap<ConversationId, Room>,
    last_key: u64,
}

impl SessionRegistry {
    /// Takes a new session in; `None` when its person has `sessions_max` already.
    pub(super) fn enter(
        &mut self,
        user: &UserId,
        outlet: Arc<dyn EventSink>,
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
        let entry = SessionEntry {
            user: user.clone(),
            outlet,
            expires_at,
            warned: false,
            joined: Subscriptions::default(),
        };
        self.entries.insert(key, entry);
        Some(key)
    }

    /// Forgets a session. Returns whose it was and which conversations it had joined.
    pub(super) fn leave_all(&mut self, key: SessionKey) -> Option<(UserId, Vec<ConversationId>)> {
        let rooms = self.rooms_of(key)?;
        let entry = self.entries.remove(&key)?;
        for conversation in &rooms {
            self.drop_member(conversation, key);
        }
        if let Some(person) = self.people.get_mut(&entry.user) {
            person.sessions.retain(|session| *session != key);
            if person.sessions.is_empty() {
                self.people.remove(&entry.user);
            }
        }
        Some((entry.user, rooms))
    }

    /// Which rooms a session is in, or is about to join again; `None` when it is not here.
    pub(super) fn rooms_of(&self, key: SessionKey) -> Option<Vec<ConversationId>> {
        let rooms = self.entries.get(&key)?.joined.rooms();
        Some(rooms.iter().map(|room| room.conversation.clone()).collect())
    }

    /// Says where a session is about to be. It hears nothing there before it joins.
    pub(super) fn place(&mut self, key: SessionKey, subscriptions: &Subscriptions) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.joined = subscriptions.clone();
        }
    }

    /// How many rooms a session is in.
    pub(super) fn joined_count(&self, key: SessionKey) -> usize {
        self.entries.get(&key).map_or(0, |entry| entry.joined.rooms().len())
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
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        let conversation = conversation.clone();
        entry.joined.enter(Subscription {
            conversation: conversation.clone(),
            visible,
            told: since,
        });
        let room = self.rooms.entry(conversation).or_insert_with(|| Room::as_of(since));
        room.add_member(Member { session: key, since, visible })
    }

    /// Takes a session out of a conversation, and returns whose it is; `None` when it was not in
    /// it.
    pub(super) fn leave(
        &mut self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<(UserId, Membership)> {
        let left = self.membership(key, conversation);
        let entry = self.entries.get_mut(&key)?;
        entry.joined.leave(conversation);
        let (user, left) = (entry.user.clone(), left?);
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
        if self.rooms.get_mut(conversation).is_some_and(|room| room.remove_member(key)) {
            self.rooms.remove(conversation);
        }
    }

    /// Empties the room of a conversation that is no more.
    pub(super) fn close_room(&mut self, conversation: &ConversationId) {
        let Some(room) = self.rooms.remove(conversation) else { return };
        for member in room.members {
            if let Some(entry) = self.entries.get_mut(&member.session) {
                entry.joined.leave(conversation);
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
            self.entries.get(&session).is_some_and(|entry| entry.outlet.silent_for() < silence_max)
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
            self.entries.get(&member.session).is_some_and(|entry| entry.user == *user)
        };
        let members = self.rooms.get(conversation).map(|room| room.members.iter());
        members.into_iter().flatten().filter(of_user)
    }

    /// Whether `user` has a session on this node.
    pub(super) fn is_here(&self, user: &UserId) -> bool {
        self.people.contains_key(user)
    }

    /// Says whether a batch with positions `first` to `last` is the next to be told.
    pub(super) fn batch_order(
        &mut self,
        conversation: &ConversationId,
        first: Seq,
        last: Seq,
    ) -> BatchOrder {
        let room = self.rooms.get_mut(conversation);
        room.map_or(BatchOrder::NoSubscribers, |room| room.batch_order(first, last))
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
