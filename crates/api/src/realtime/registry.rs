//! The sessions of this node: whose they are, which conversations they joined, and sending to them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    ids::{ConversationId, Seq, UserId},
    time::Timestamp,
};

use super::{
    events::OutgoingEvent,
    subscriptions::{Subscription, Subscriptions},
};

/// Identifies a session on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey(u64);

struct SessionEntry {
    user: UserId,
    sink: Arc<dyn EventSink>,
    expires_at: Option<Timestamp>,
    /// Whether it was warned that its token ends soon.
    warned: bool,
    joined: Subscriptions,
}

/// A person with sessions on this node.
#[derive(Default)]
struct Person {
    sessions: Vec<SessionKey>,
    /// Their unread total; `None` once something may have changed it.
    unread_total: Option<u64>,
}

/// The sessions of this node. The only way to them, and the innermost lock: it knows nothing of those
/// who send through it, so no other lock is taken while this one is held.
#[derive(Default)]
pub(crate) struct SessionRegistry(Mutex<Registrations>);

impl SessionRegistry {
    /// No code that holds this lock can panic halfway through a change, so a poisoned one is sound.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Registrations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the registry holds.
#[derive(Default)]
pub(crate) struct Registrations {
    entries: HashMap<SessionKey, SessionEntry>,
    people: HashMap<UserId, Person>,
    rooms: HashMap<ConversationId, Room>,
    last_key: u64,
}

impl Registrations {
    /// Adds a session; `None` when its person has `sessions_max` already.
    pub(crate) fn enter(
        &mut self,
        user: &UserId,
        sink: Arc<dyn EventSink>,
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
            sink,
            expires_at,
            warned: false,
            joined: Subscriptions::default(),
        };
        self.entries.insert(key, entry);
        Some(key)
    }

    /// Removes a session. Returns whose it was and which conversations it had joined.
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

    /// Which conversations a session has joined, or is about to join again; `None` when it is gone.
    pub(crate) fn rooms_of(&self, key: SessionKey) -> Option<Vec<ConversationId>> {
        let rooms = self.entries.get(&key)?.joined.rooms();
        Some(rooms.iter().map(|room| room.conversation.clone()).collect())
    }

    /// Sets the subscriptions of a session that is being restored. It is sent nothing there before it
    /// joins.
    pub(crate) fn set_subscriptions(&mut self, key: SessionKey, subscriptions: &Subscriptions) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.joined = subscriptions.clone();
        }
    }

    /// How many conversations a session has joined.
    pub(crate) fn joined_count(&self, key: SessionKey) -> usize {
        self.entries.get(&key).map_or(0, |entry| entry.joined.rooms().len())
    }

    /// Lets a session join a conversation whose history up to `since` it is sent. Returns whether the
    /// sessions that joined before have missed something.
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
            delivered_seq: since,
        });
        let room = self.rooms.entry(conversation).or_insert_with(|| Room::as_of(since));
        room.add_member(Member { session: key, since, visible })
    }

    /// Lets a session leave a conversation, and returns whose it is; `None` when it had not joined.
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

    /// The membership of a session; `None` when it has not joined.
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

    /// Removes the room of a conversation that was deleted.
    pub(crate) fn close_room(&mut self, conversation: &ConversationId) {
        let Some(room) = self.rooms.remove(conversation) else { return };
        for member in room.members {
            if let Some(entry) = self.entries.get_mut(&member.session) {
                entry.joined.leave(conversation);
            }
        }
    }

    /// Whether a session of `user` has joined in sight, and its client was active within `silence_max`.
    pub(crate) fn is_watching(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        silence_max: Duration,
    ) -> bool {
        let is_awake = |session| {
            self.entries.get(&session).is_some_and(|entry| entry.sink.silent_for() < silence_max)
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

    /// How a batch with positions `first` to `last` relates to what the room was delivered.
    pub(crate) fn batch_order(
        &mut self,
        conversation: &ConversationId,
        first: Seq,
        last: Seq,
    ) -> BatchOrder {
        let room = self.rooms.get_mut(conversation);
        room.map_or(BatchOrder::NoSubscribers, |room| room.batch_order(first, last))
    }

    /// The room of a conversation, for its repair; `None` when it is empty.
    pub(crate) fn room(&mut self, conversation: &ConversationId) -> Option<&mut Room> {
        self.rooms.get_mut(conversation)
    }

    /// The unread total of `user`, if it is known.
    pub(crate) fn unread_total(&self, user: &UserId) -> Option<u64> {
        self.people.get(user).and_then(|person| person.unread_total)
    }

    /// Sets the unread total of `user`; `None` when it has to be counted.
    pub(crate) fn set_unread_total(&mut self, user: &UserId, total: Option<u64>) {
        if let Some(person) = self.people.get_mut(user) {
            person.unread_total = total;
        }
    }
}

// Sending to sessions, people and rooms.

impl Registrations {
    /// Sends `event`, whose position is `seq`, to those in the room who do not have it yet. `None`
    /// sends it to everyone there.
    pub(crate) fn send_to_room(
        &mut self,
        conversation: &ConversationId,
        seq: Option<Seq>,
        event: &OutgoingEvent,
    ) {
        let Some(room) = self.rooms.get(conversation) else { return };
        for member in &room.members {
            if seq.is_none_or(|seq| seq > member.since) {
                send(&mut self.entries, member.session, event);
            }
        }
    }

    /// Sends `event` to every session of `user`.
    pub(crate) fn send_to_user(&mut self, user: &UserId, event: &OutgoingEvent) {
        for session in self.people.get(user).into_iter().flat_map(|person| &person.sessions) {
            send(&mut self.entries, *session, event);
        }
    }

    /// Sends `event` to one session.
    pub(crate) fn send(&mut self, session: SessionKey, event: &OutgoingEvent) {
        send(&mut self.entries, session, event);
    }

    /// Sends `event` to the session that asked for it.
    pub(crate) fn answer(&mut self, session: SessionKey, event: &OutgoingEvent) {
        if let Some(entry) = self.entries.get_mut(&session) {
            entry.answer(event);
        }
    }

    /// Sends `event`, which may be dropped, to every session of `user`.
    pub(crate) fn send_to_user_volatile(&self, user: &UserId, event: &OutgoingEvent) {
        let sessions = self.people.get(user).into_iter().flat_map(|person| &person.sessions);
        for entry in sessions.filter_map(|session| self.entries.get(session)) {
            entry.sink.send_volatile(event);
        }
    }

    /// Sends `event`, which may be dropped, to everyone in a room but the session it comes from.
    pub(crate) fn send_to_others_volatile(
        &self,
        conversation: &ConversationId,
        from: SessionKey,
        event: &OutgoingEvent,
    ) {
        let Some(room) = self.rooms.get(conversation) else { return };
        let others = room.members.iter().filter(|member| member.session != from);
        for entry in others.filter_map(|member| self.entries.get(&member.session)) {
            entry.sink.send_volatile(event);
        }
    }

    /// Sends `event` to every session.
    pub(crate) fn send_to_all(&mut self, event: &OutgoingEvent) {
        for entry in self.entries.values_mut() {
            entry.send(event);
        }
    }
}

fn send(
    entries: &mut HashMap<SessionKey, SessionEntry>,
    session: SessionKey,
    event: &OutgoingEvent,
) {
    if let Some(entry) = entries.get_mut(&session) {
        entry.send(event);
    }
}

impl SessionEntry {
    fn send(&mut self, event: &OutgoingEvent) {
        let event = self.joined.advance(event);
        log_loss(event, self.sink.send(event, &self.joined));
    }

    fn answer(&mut self, event: &OutgoingEvent) {
        let event = self.joined.advance(event);
        log_loss(event, self.sink.answer(event, &self.joined));
    }
}

/// A session that is closing, or too slow, ends by itself; its client resumes from the log.
fn log_loss(event: &OutgoingEvent, sent: Result<(), SessionClosed>) {
    if let Err(error) = sent {
        tracing::debug!(%error, event = event.name(), "an event did not reach a session");
    }
}

// When tokens end, and their sessions with them.

impl Registrations {
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

    /// The sessions of `user`.
    pub(crate) fn sinks_of(&self, user: &UserId) -> Vec<Arc<dyn EventSink>> {
        let sessions = self.people.get(user).into_iter().flat_map(|person| &person.sessions);
        let entries = sessions.filter_map(|session| self.entries.get(session));
        entries.map(|entry| entry.sink.clone()).collect()
    }

    /// The sessions whose tokens have ended by `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<Arc<dyn EventSink>> {
        let ended = |entry: &&SessionEntry| entry.expires_at.is_some_and(|end| end <= now);
        self.entries.values().filter(ended).map(|entry| entry.sink.clone()).collect()
    }
}

// The sessions that joined one conversation, and how far events were delivered to them.

/// A session in a room.
pub(crate) struct Member {
    pub(crate) session: SessionKey,
    /// The history that the session was sent reaches up to here.
    pub(crate) since: Seq,
    pub(crate) visible: bool,
}

/// The sessions that joined one conversation.
pub(crate) struct Room {
    pub(crate) members: Vec<Member>,
    /// Everything up to here was delivered to the room.
    delivered_seq: Seq,
    /// The newest position that this node knows of.
    known_seq: Seq,
    /// Whether a task is reading what was missed from the log, and delivers it.
    repairing: bool,
}

/// The membership of a session in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Whether its client says that the conversation is in sight.
    pub(crate) visible: bool,
    /// Everything up to here was delivered to it.
    pub(crate) delivered_seq: Seq,
}

/// How a batch of events relates to what a room was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchOrder {
    /// It follows what was delivered before; it counts as delivered now.
    Next,
    /// It was delivered before.
    Duplicate,
    /// Without members.
    NoSubscribers,
    /// Something before it was never delivered: the log has to be read.
    Gap,
}

/// How far a room has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Everything up to here was delivered.
    pub(crate) delivered_seq: Seq,
    /// The newest position that this node knows of.
    pub(crate) known_seq: Seq,
}

impl Room {
    /// An empty room, to which everything up to `since` counts as delivered.
    pub(crate) fn as_of(since: Seq) -> Self {
        Self { members: Vec::new(), delivered_seq: since, known_seq: since, repairing: false }
    }

    /// Adds a session that was sent the history up to its `since`. Returns whether the members before
    /// it have missed something.
    pub(crate) fn add_member(&mut self, member: Member) -> bool {
        let since = member.since;
        self.remove_member(member.session);
        self.members.push(member);
        self.known_seq = self.known_seq.max(since);
        self.delivered_seq < since
    }

    /// Removes a session. Returns whether the room is empty then.
    pub(crate) fn remove_member(&mut self, session: SessionKey) -> bool {
        self.members.retain(|member| member.session != session);
        self.members.is_empty()
    }

    /// The membership of a session, if it has joined.
    pub(crate) fn membership(&self, session: SessionKey) -> Option<Membership> {
        let member = self.members.iter().find(|member| member.session == session)?;
        Some(Membership {
            visible: member.visible,
            delivered_seq: self.delivered_seq.max(member.since),
        })
    }

    /// How a batch with positions `first` to `last` relates to what was delivered.
    pub(crate) fn batch_order(&mut self, first: Seq, last: Seq) -> BatchOrder {
        self.known_seq = self.known_seq.max(last);
        if last <= self.delivered_seq {
            BatchOrder::Duplicate
        } else if first > self.delivered_seq.next() || self.repairing {
            BatchOrder::Gap
        } else {
            self.delivered_seq = last;
            BatchOrder::Next
        }
    }

    /// Starts a repair; false when one is running already.
    pub(crate) fn start_repair(&mut self) -> bool {
        !std::mem::replace(&mut self.repairing, true)
    }

    /// How far the room has come.
    pub(crate) fn progress(&self) -> Progress {
        Progress { delivered_seq: self.delivered_seq, known_seq: self.known_seq }
    }

    /// During a repair: everything up to `seq` counts as delivered.
    pub(crate) fn repaired_to(&mut self, seq: Seq) {
        self.delivered_seq = self.delivered_seq.max(seq);
        self.known_seq = self.known_seq.max(seq);
    }

    /// Ends a repair whose last read of the log, begun at `before`, found nothing more. Returns false,
    /// and the repair goes on, when newer events became known since.
    pub(crate) fn end_repair(&mut self, before: Progress) -> bool {
        if self.known_seq > before.known_seq {
            return false;
        }
        self.delivered_seq = self.known_seq;
        self.repairing = false;
        true
    }
}

// The way out to one session.

/// Why the server ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DisconnectCause {
    /// Its token has ended.
    TokenExpired,
    /// Its person was forgotten.
    Forgotten,
}

/// The session is ending: it is closed, or its client read too slowly. The client resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is ending")]
pub(crate) struct SessionClosed;

/// Where a session's events go. Each transport implements it.
pub(crate) trait EventSink: Send + Sync {
    /// Sends an event that must not be lost. Never waits. `subscriptions` are the session's, this event
    /// included: a transport may send them along, so that a client that was cut off can resume.
    ///
    /// # Errors
    /// [`SessionClosed`].
    fn send(
        &self,
        event: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed>;

    /// Sends what the session asked for. It does not count as backlog: the command bounds it, and
    /// the session's next command waits until it has left. Never waits. `subscriptions` as with
    /// [`send`](Self::send).
    ///
    /// # Errors
    /// [`SessionClosed`].
    fn answer(
        &self,
        event: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed>;

    /// Sends an event that may be dropped, which happens to a session that is behind. Never waits.
    fn send_volatile(&self, event: &OutgoingEvent);

    /// How long nothing was received from the client, not even a pong.
    fn silent_for(&self) -> Duration;

    /// Ends the session. The client is sent a disconnect, and does not reconnect by itself.
    fn disconnect(&self, cause: DisconnectCause);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(number: i64) -> Seq {
        Seq::new(number).expect("not negative")
    }

    #[test]
    fn what_follows_is_delivered_once_and_a_gap_is_noticed() {
        let mut room = Room::as_of(seq(4));
        assert_eq!(room.batch_order(seq(5), seq(6)), BatchOrder::Next);
        assert_eq!(room.batch_order(seq(6), seq(6)), BatchOrder::Duplicate);
        assert_eq!(room.batch_order(seq(8), seq(8)), BatchOrder::Gap);
        assert_eq!(room.progress(), Progress { delivered_seq: seq(6), known_seq: seq(8) });
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
    fn a_repair_goes_on_when_something_became_known_since_its_last_read() {
        let mut room = Room::as_of(seq(4));
        assert!(room.start_repair());
        let looked = room.progress();
        assert_eq!(room.batch_order(seq(5), seq(5)), BatchOrder::Gap);
        assert!(!room.end_repair(looked));
    }
}
