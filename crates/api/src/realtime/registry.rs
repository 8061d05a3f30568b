//! Which sessions there are on this node, whose they are, and which conversations they joined.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{
    ids::{ConversationId, Seq, UserId},
    time::Timestamp,
};

use super::{
    events::OutgoingEvent,
    resume::{Subscription, Subscriptions},
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
pub(crate) struct SessionRegistry {
    entries: HashMap<SessionKey, SessionEntry>,
    people: HashMap<UserId, Person>,
    rooms: HashMap<ConversationId, Room>,
    last_key: u64,
}

impl SessionRegistry {
    /// Takes a new session in; `None` when its person has `sessions_max` already.
    pub(crate) fn enter(
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
    pub(crate) fn leave_all(&mut self, key: SessionKey) -> Option<(UserId, Vec<ConversationId>)> {
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
    pub(crate) fn rooms_of(&self, key: SessionKey) -> Option<Vec<ConversationId>> {
        let rooms = self.entries.get(&key)?.joined.rooms();
        Some(rooms.iter().map(|room| room.conversation.clone()).collect())
    }

    /// Says where a session is about to be. It hears nothing there before it joins.
    pub(crate) fn place(&mut self, key: SessionKey, subscriptions: &Subscriptions) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.joined = subscriptions.clone();
        }
    }

    /// How many rooms a session is in.
    pub(crate) fn joined_count(&self, key: SessionKey) -> usize {
        self.entries.get(&key).map_or(0, |entry| entry.joined.rooms().len())
    }

    /// Lets a session join a conversation whose history up to `since` it was given. Returns whether
    /// those who were there before have missed something.
    pub(crate) fn join(
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
    pub(crate) fn leave(
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
    pub(crate) fn membership(
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
    pub(crate) fn close_room(&mut self, conversation: &ConversationId) {
        let Some(room) = self.rooms.remove(conversation) else { return };
        for member in room.members {
            if let Some(entry) = self.entries.get_mut(&member.session) {
                entry.joined.leave(conversation);
            }
        }
    }

    /// Whether a session of `user` has joined, is in sight, and was heard within `silence_max`.
    pub(crate) fn is_watching(
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
    pub(crate) fn has_joined(&self, conversation: &ConversationId, user: &UserId) -> bool {
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
    pub(crate) fn is_here(&self, user: &UserId) -> bool {
        self.people.contains_key(user)
    }

    /// Says whether a batch with positions `first` to `last` is the next to be told.
    pub(crate) fn batch_order(
        &mut self,
        conversation: &ConversationId,
        first: Seq,
        last: Seq,
    ) -> BatchOrder {
        let room = self.rooms.get_mut(conversation);
        room.map_or(BatchOrder::NoSubscribers, |room| room.batch_order(first, last))
    }

    /// The room of a conversation, for its repair; `None` when nobody is there any more.
    pub(crate) fn room(&mut self, conversation: &ConversationId) -> Option<&mut Room> {
        self.rooms.get_mut(conversation)
    }

    /// How much waits for `user`, if that is known.
    pub(crate) fn unread_total(&self, user: &UserId) -> Option<u64> {
        self.people.get(user).and_then(|person| person.unread_total)
    }

    /// Notes how much waits for `user`, or that it has to be counted.
    pub(crate) fn note_unread_total(&mut self, user: &UserId, total: Option<u64>) {
        if let Some(person) = self.people.get_mut(user) {
            person.unread_total = total;
        }
    }
}

// Saying things to those who are here.

impl SessionRegistry {
    /// Says `told`, which came with `seq`, to those in the room who do not have it yet. `None`
    /// tells everyone.
    pub(crate) fn tell_room(
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
    pub(crate) fn tell_user(&mut self, user: &UserId, told: &OutgoingEvent) {
        for session in self.people.get(user).into_iter().flat_map(|person| &person.sessions) {
            tell(&mut self.entries, *session, told);
        }
    }

    /// Says `told` to one session.
    pub(crate) fn tell(&mut self, session: SessionKey, told: &OutgoingEvent) {
        tell(&mut self.entries, session, told);
    }

    /// Says `told`, which it asked for, to one session.
    pub(crate) fn answer(&mut self, session: SessionKey, told: &OutgoingEvent) {
        if let Some(entry) = self.entries.get_mut(&session) {
            entry.hear_answer(told);
        }
    }

    /// Says `told`, which may be lost, to every session of `user`.
    pub(crate) fn tell_user_volatile(&self, user: &UserId, told: &OutgoingEvent) {
        let sessions = self.people.get(user).into_iter().flat_map(|person| &person.sessions);
        for entry in sessions.filter_map(|session| self.entries.get(session)) {
            entry.outlet.send_volatile(told);
        }
    }

    /// Says `told`, which may be lost, to everyone in a room but the session it comes from.
    pub(crate) fn tell_others_volatile(
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
    pub(crate) fn tell_everyone(&mut self, told: &OutgoingEvent) {
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

// When tokens end, and their sessions with them.

impl SessionRegistry {
    /// From now on the session's token ends at `expires_at`.
    pub(crate) fn renew(&mut self, key: SessionKey, expires_at: Option<Timestamp>) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.expires_at = expires_at;
            entry.warned = false;
        }
    }

    /// The sessions whose tokens end within `notice_ms` of `now`, and when; each only once for
    /// each token.
    pub(crate) fn expiring(
        &mut self,
        now: Timestamp,
        notice_ms: u64,
    ) -> Vec<(SessionKey, Timestamp)> {
        let notice = i64::try_from(notice_ms).unwrap_or(i64::MAX);
        let mut expiring = Vec::new();
        for (key, entry) in &mut self.entries {
            let Some(end) = entry.expires_at.filter(|_| !entry.warned) else { continue };
            if end > now && end.as_millis() - now.as_millis() <= notice {
                entry.warned = true;
                expiring.push((*key, end));
            }
        }
        expiring
    }

    /// The sessions whose tokens have ended by `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<Arc<dyn EventSink>> {
        let ended = |entry: &&SessionEntry| entry.expires_at.is_some_and(|end| end <= now);
        self.entries.values().filter(ended).map(|entry| entry.outlet.clone()).collect()
    }
}

// The sessions that joined one conversation, and how far they were told.

/// A session in a room.
pub(crate) struct Member {
    pub(crate) session: SessionKey,
    /// What happened up to here was in the history the session was given.
    pub(crate) since: Seq,
    pub(crate) visible: bool,
}

/// The sessions that joined one conversation.
pub(crate) struct Room {
    pub(crate) members: Vec<Member>,
    /// Everything up to here was told.
    told: Seq,
    /// Everything up to here has happened, as far as this node has heard.
    heard: Seq,
    /// Somebody is reading what was missed from the log, and tells it.
    repairing: bool,
}

/// What a session is to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Whether it is in sight.
    pub(crate) visible: bool,
    /// Everything up to here was told to it.
    pub(crate) told: Seq,
}

/// Whether a batch of events may be told to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchOrder {
    /// It follows what was told before; it counts as told now.
    Next,
    /// It was told before.
    OutgoingEvent,
    /// Nobody is in the room.
    NoSubscribers,
    /// Something before it was never told: the log has to be read.
    Gap,
}

/// How far a room has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Everything up to here was told.
    pub(crate) told: Seq,
    /// Everything up to here has happened, as far as this node has heard.
    pub(crate) heard: Seq,
}

impl Room {
    /// An empty room, in which everything up to `since` counts as told.
    pub(crate) fn as_of(since: Seq) -> Self {
        Self { members: Vec::new(), told: since, heard: since, repairing: false }
    }

    /// Takes a session in, that was given the history up to its `since`. Returns whether those who
    /// were there before have missed something.
    pub(crate) fn add_member(&mut self, member: Member) -> bool {
        let since = member.since;
        self.remove_member(member.session);
        self.members.push(member);
        self.heard = self.heard.max(since);
        self.told < since
    }

    /// Lets a session go. Returns whether nobody is left.
    pub(crate) fn remove_member(&mut self, session: SessionKey) -> bool {
        self.members.retain(|member| member.session != session);
        self.members.is_empty()
    }

    /// What a session is to the room.
    pub(crate) fn membership(&self, session: SessionKey) -> Option<Membership> {
        let member = self.members.iter().find(|member| member.session == session)?;
        Some(Membership { visible: member.visible, told: self.told.max(member.since) })
    }

    /// Says whether a batch with positions `first` to `last` is the next to be told.
    pub(crate) fn batch_order(&mut self, first: Seq, last: Seq) -> BatchOrder {
        self.heard = self.heard.max(last);
        if last <= self.told {
            BatchOrder::OutgoingEvent
        } else if first > self.told.next() || self.repairing {
            BatchOrder::Gap
        } else {
            self.told = last;
            BatchOrder::Next
        }
    }

    /// Makes the caller the one who repairs; false when somebody does already.
    pub(crate) fn start_repair(&mut self) -> bool {
        !std::mem::replace(&mut self.repairing, true)
    }

    /// How far the room has come.
    pub(crate) fn progress(&self) -> Progress {
        Progress { told: self.told, heard: self.heard }
    }

    /// During a repair: everything up to `seq` counts as told.
    pub(crate) fn repaired_to(&mut self, seq: Seq) {
        self.told = self.told.max(seq);
        self.heard = self.heard.max(seq);
    }

    /// Ends a repair whose last look into the log, begun at `before`, found nothing more. Returns
    /// false, and the repair goes on, when the room heard of something since.
    pub(crate) fn end_repair(&mut self, before: Progress) -> bool {
        if self.heard > before.heard {
            return false;
        }
        self.told = self.heard;
        self.repairing = false;
        true
    }
}

// The way out to one session.

/// The session is ending: it is closed, or was too slow. It comes back for what it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is ending")]
pub(crate) struct SessionClosed;

/// Where a session's events go. Each kind of door has one.
pub(crate) trait EventSink: Send + Sync {
    /// Says what must not be lost. Never waits. `subscriptions` is where the session is, this told
    /// included: a door may say it along, so that a client that was cut off can resume.
    ///
    /// # Errors
    /// [`SessionClosed`].
    fn send(
        &self,
        told: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed>;

    /// Says what the session asked for. It is not held against a client that reads, however much it
    /// is: whoever asked bounds it, and nothing more is done for the session until it has left.
    /// Never waits. `subscriptions` as with [`send`](Self::send).
    ///
    /// # Errors
    /// [`SessionClosed`].
    fn answer(
        &self,
        told: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed>;

    /// Says what may be lost: a session that is behind is spared it. Never waits.
    fn send_volatile(&self, told: &OutgoingEvent);

    /// How long nothing was heard of the client, not even the answer to a ping.
    fn silent_for(&self) -> Duration;

    /// Ends the session. The client is told, and does not come back by itself.
    fn disconnect(&self);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(number: i64) -> Seq {
        Seq::new(number).expect("not negative")
    }

    #[test]
    fn what_follows_is_told_once_and_a_gap_is_noticed() {
        let mut room = Room::as_of(seq(4));
        assert_eq!(room.batch_order(seq(5), seq(6)), BatchOrder::Next);
        assert_eq!(room.batch_order(seq(6), seq(6)), BatchOrder::OutgoingEvent);
        assert_eq!(room.batch_order(seq(8), seq(8)), BatchOrder::Gap);
        assert_eq!(room.progress(), Progress { told: seq(6), heard: seq(8) });
    }

    #[test]
    fn one_repairs_at_a_time_and_what_comes_meanwhile_is_left_to_it() {
        let mut room = Room::as_of(seq(4));
        assert!(room.start_repair());
        assert!(!room.start_repair());
        assert_eq!(room.batch_order(seq(5), seq(5)), BatchOrder::Gap);
        room.repaired_to(seq(5));
        assert!(room.end_repair(room.progress()));
        assert_eq!(room.batch_order(seq(6), seq(6)), BatchOrder::Next);
    }

    #[test]
    fn a_repair_goes_on_when_something_was_heard_since_its_last_look() {
        let mut room = Room::as_of(seq(4));
        assert!(room.start_repair());
        let looked = room.progress();
        assert_eq!(room.batch_order(seq(5), seq(5)), BatchOrder::Gap);
        assert!(!room.end_repair(looked));
    }
}
