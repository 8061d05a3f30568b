//! The sessions of this node: whose they are, which conversations they joined, and sending to them.
//! Which session in a room is sent what is the room's to say.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    ids::{ConversationId, Seq, UserId},
    participant::Caller,
    time::Timestamp,
};

use super::{
    events::OutgoingEvent,
    retry::caught,
    room::{
        BatchOrder, JoinKey, Member, Membership, PendingMember, Progress, Released, Room, RoomId,
        Route, Sent, SessionKey,
    },
    subscriptions::{Subscription, Subscriptions},
};

struct SessionEntry {
    user: UserId,
    sink: Arc<dyn EventSink>,
    token: TokenTimes,
    /// Whether it was warned that its token ends soon.
    warned: bool,
    joined: Subscriptions,
}

/// The times that the token of a session says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TokenTimes {
    pub(crate) issued_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
}

impl From<&Caller> for TokenTimes {
    fn from(caller: &Caller) -> Self {
        Self { issued_at: caller.issued_at, expires_at: caller.expires_at }
    }
}

/// When it expires.
#[cfg(test)]
impl From<Option<Timestamp>> for TokenTimes {
    fn from(expires_at: Option<Timestamp>) -> Self {
        Self { issued_at: None, expires_at }
    }
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
    /// Those who were joining conversations when these were deleted.
    closed: HashMap<JoinKey, PendingMember>,
    last_key: u64,
}

/// What a session that joins is sent first.
pub(crate) struct Opening<'a> {
    /// The events, complete up to `since`.
    pub(crate) events: &'a [OutgoingEvent],
    pub(crate) since: Seq,
    /// Whether they are entries of the log, and not a history, in which events that go to people are
    /// missing.
    pub(crate) is_log: bool,
}

/// What became of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The session is a member. With `missed` the log has to be read: it or the members before it lack
    /// something.
    Member { missed: bool },
    /// The conversation was deleted meanwhile. The session was sent what a member was sent until then.
    Deleted,
    /// The session has ended, or left.
    Withdrawn,
}

impl Registrations {
    /// Adds a session; `None` when its person has `sessions_max` already.
    pub(crate) fn enter(
        &mut self,
        user: &UserId,
        sink: Arc<dyn EventSink>,
        token: TokenTimes,
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
            token,
            warned: false,
            joined: Subscriptions::default(),
        };
        self.entries.insert(key, entry);
        Some(key)
    }

    /// Removes a session. Returns whose it was and which conversations it had joined; those that it was
    /// only about to join again are not among them.
    pub(crate) fn leave_all(&mut self, key: SessionKey) -> Option<(UserId, Vec<ConversationId>)> {
        let mut rooms = self.rooms_of(key)?;
        rooms.retain(|conversation| self.membership(key, conversation).is_some());
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

    /// Whether there is nobody here, and no room.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        let Self { entries, people, rooms, closed, .. } = self;
        entries.is_empty() && people.is_empty() && rooms.is_empty() && closed.is_empty()
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

    /// Lets a session begin to join a conversation, before it reads what it is sent first.
    pub(crate) fn begin_join(
        &mut self,
        session: SessionKey,
        conversation: &ConversationId,
        visible: bool,
    ) -> JoinKey {
        self.last_key += 1;
        let (key, room_id) = (JoinKey(self.last_key), RoomId(self.last_key));
        let room = self.rooms.entry(conversation.clone()).or_insert_with(|| Room::new(room_id));
        room.begin_join(key, session, visible);
        key
    }

    /// Makes a session that has read `opening` a member. It is sent that, and then what happened since.
    pub(crate) fn complete_join(
        &mut self,
        key: JoinKey,
        conversation: &ConversationId,
        opening: &Opening<'_>,
    ) -> Joined {
        let is_deleted = self.closed.contains_key(&key);
        let Some(pending) = self.take_pending(key, conversation) else { return Joined::Withdrawn };
        let (session, visible) = (pending.session, pending.visible);
        let Some(entry) = self.entries.get_mut(&session) else {
            self.remove_if_empty(conversation);
            return Joined::Withdrawn;
        };
        let since = opening.since;
        let collected = pending.split(since, is_deleted);
        for event in collected.before.iter().filter(|_| !opening.is_log) {
            entry.answer(event.elsewhere());
        }
        entry.joined.enter(Subscription {
            conversation: conversation.clone(),
            visible,
            delivered_seq: since,
        });
        for event in opening.events.iter().chain(&collected.behind) {
            entry.answer(event);
        }
        let Some(room) = self.rooms.get_mut(conversation).filter(|_| !is_deleted) else {
            entry.joined.leave(conversation);
            return Joined::Deleted;
        };
        entry.joined.delivered(conversation, collected.reached);
        let messages_only_to = if opening.is_log { Seq::ZERO } else { since };
        let since = collected.reached;
        let missed = room.admit(Member { session, visible, since, messages_only_to });
        Joined::Member { missed }
    }

    /// Ends a join that has begun, as if it had not. Does nothing when it has ended.
    pub(crate) fn withdraw_join(&mut self, key: JoinKey, conversation: &ConversationId) {
        let Some(pending) = self.take_pending(key, conversation) else { return };
        self.release(pending, conversation);
        self.remove_if_empty(conversation);
    }

    fn take_pending(
        &mut self,
        key: JoinKey,
        conversation: &ConversationId,
    ) -> Option<PendingMember> {
        let room = self.rooms.get_mut(conversation);
        let pending = room.and_then(|room| room.take_pending(key));
        pending.or_else(|| self.closed.remove(&key))
    }

    /// Sends a session what was held back from it while it was joining.
    fn release(&mut self, pending: PendingMember, conversation: &ConversationId) {
        let session = pending.session;
        let is_member = self.membership(session, conversation).is_some();
        send_released(&mut self.entries, session, &pending.release(is_member));
    }

    fn remove_if_empty(&mut self, conversation: &ConversationId) {
        if self.rooms.get(conversation).is_some_and(Room::is_empty) {
            self.rooms.remove(conversation);
        }
    }

    /// Lets a session leave a conversation, and returns whose it is; `None` when it had not joined. A join
    /// that has begun is withdrawn.
    pub(crate) fn leave(
        &mut self,
        key: SessionKey,
        conversation: &ConversationId,
    ) -> Option<(UserId, Membership)> {
        let room = self.rooms.get_mut(conversation);
        for pending in room.map(|room| room.take_pending_of(key)).unwrap_or_default() {
            self.release(pending, conversation);
        }
        let left = self.membership(key, conversation);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.joined.leave(conversation);
        }
        self.drop_member(conversation, key);
        Some((self.entries.get(&key)?.user.clone(), left?))
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
        if let Some(room) = self.rooms.get_mut(conversation) {
            room.remove_member(key);
        }
        self.remove_if_empty(conversation);
    }

    /// Removes the room of a conversation that was deleted. Those who are joining it learn of it then.
    pub(crate) fn close_room(&mut self, conversation: &ConversationId) {
        let Some(room) = self.rooms.remove(conversation) else { return };
        for member in room.members() {
            if let Some(entry) = self.entries.get_mut(&member.session) {
                entry.joined.leave(conversation);
            }
        }
        self.closed.extend(room.into_pending().into_iter().map(|pending| (pending.key, pending)));
    }

    /// Whether a session of `user` has joined in sight, and its client was active within `silence_max`. One
    /// that is joining may still give up, and would never see what it had read.
    pub(crate) fn is_watching(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        silence_max: Duration,
    ) -> bool {
        let Some(room) = self.rooms.get(conversation) else { return false };
        let is_theirs_and_awake = |session| {
            let entry = self.entries.get(&session).filter(|entry| entry.user == *user);
            entry.is_some_and(|entry| entry.sink.silent_for() < silence_max)
        };
        room.members().iter().any(|member| member.visible && is_theirs_and_awake(member.session))
    }

    /// Whether a session of `user` has joined.
    pub(crate) fn has_joined(&self, conversation: &ConversationId, user: &UserId) -> bool {
        let members = self.rooms.get(conversation).map(Room::members).unwrap_or_default();
        members.iter().any(|member| {
            self.entries.get(&member.session).is_some_and(|entry| entry.user == *user)
        })
    }

    /// Whether `user` has a session on this node.
    pub(crate) fn is_here(&self, user: &UserId) -> bool {
        self.people.contains_key(user)
    }

    /// How a batch with positions `first` to `last` relates to what the room was delivered, and what was
    /// sent before it.
    pub(crate) fn batch_order(
        &mut self,
        conversation: &ConversationId,
        first: Seq,
        last: Seq,
    ) -> (BatchOrder, Sent) {
        let room = self.rooms.get_mut(conversation);
        room.map_or((BatchOrder::NoMembers, Sent::default()), |room| room.batch_order(first, last))
    }

    /// Starts the repair of a room. `None` when there is none, or its repair is running already.
    pub(crate) fn start_repair(&mut self, conversation: &ConversationId) -> Option<RoomId> {
        let room = self.rooms.get_mut(conversation)?;
        room.start_repair().then(|| room.id())
    }

    /// The room of a conversation, for its repair; `None` when that room became empty.
    pub(crate) fn room(&mut self, conversation: &ConversationId, id: RoomId) -> Option<&mut Room> {
        self.rooms.get_mut(conversation).filter(|room| room.id() == id)
    }

    /// How far a room is that has to be repaired; `None`, and its repair has ended, when it has not.
    pub(crate) fn repair_progress(
        &mut self,
        conversation: &ConversationId,
        id: RoomId,
    ) -> Option<Progress> {
        let room = self.room(conversation, id)?;
        if room.end_repair() { None } else { room.progress() }
    }

    /// After a panic kept some sessions from what was delivered behind `before`: the room counts as served
    /// up to there, and each session in it as far as it was sent. Sessions that are joining are sent what
    /// they missed from the log. Returns whether the log has to be read for the room; without a member
    /// there is nobody to read it for.
    pub(crate) fn rewind(
        &mut self,
        conversation: &ConversationId,
        before: Option<Sent>,
        known: Seq,
    ) -> bool {
        let Some(room) = self.rooms.get_mut(conversation) else { return false };
        for (session, released) in room.take_collected() {
            send_released(&mut self.entries, session, &released);
        }
        let entries = &self.entries;
        let sent_to = |session| entries.get(&session)?.joined.delivered_seq(conversation);
        room.rewind(before, known, sent_to)
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
    /// Sends `event`, which is in no log, to everyone who has joined.
    pub(crate) fn send_to_room(&mut self, conversation: &ConversationId, event: &OutgoingEvent) {
        let Some(room) = self.rooms.get(conversation) else { return };
        for member in room.members() {
            send(&mut self.entries, member.session, event);
        }
    }

    /// Sends `event`, an entry of the log for the room, to those who do not have it yet. `sent` was sent
    /// before it.
    pub(crate) fn send_entry_to_room(&mut self, event: &OutgoingEvent, sent: Sent) {
        let Some(position) = event.position() else { return };
        let Some(room) = self.rooms.get_mut(&position.conversation) else { return };
        for session in room.recipients(position.seq, sent) {
            send(&mut self.entries, session, event);
        }
        room.collect(position.seq, event);
    }

    /// Sends `event`, an entry of the log for people, to every session of `user` that does not have it
    /// yet. `sent` was sent before it.
    pub(crate) fn send_entry_to_user(&mut self, user: &UserId, event: &OutgoingEvent, sent: Sent) {
        let Some(position) = event.position() else { return self.send_to_user(user, event) };
        let room = self.rooms.get_mut(&position.conversation);
        let room = room.filter(|room| !room.is_sent_to_all(position.seq, sent));
        let Some(room) = room else { return self.send_to_user(user, event) };
        for session in self.people.get(user).into_iter().flat_map(|person| &person.sessions) {
            match room.route(*session, position.seq, sent) {
                Route::Send => send(&mut self.entries, *session, event),
                Route::SendElsewhere => send(&mut self.entries, *session, event.elsewhere()),
                Route::Collect => room.collect_for(*session, position.seq, event),
                Route::Skip => {}
            }
        }
    }

    /// Sends those who are joining what was collected for them, if that became too much.
    pub(crate) fn release_overflowed(&mut self, conversation: &ConversationId) {
        let Some(room) = self.rooms.get_mut(conversation) else { return };
        for (session, released) in room.take_overflowed() {
            send_released(&mut self.entries, session, &released);
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
            entry.send_volatile(event);
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
        let others = room.members().iter().filter(|member| member.session != from);
        for entry in others.filter_map(|member| self.entries.get(&member.session)) {
            entry.send_volatile(event);
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

fn send_released(
    entries: &mut HashMap<SessionKey, SessionEntry>,
    session: SessionKey,
    released: &Released,
) {
    let Some(entry) = entries.get_mut(&session) else { return };
    for event in &released.elsewhere {
        entry.send(event.elsewhere());
    }
    for event in &released.as_member {
        entry.send(event);
    }
}

impl SessionEntry {
    fn send(&mut self, event: &OutgoingEvent) {
        let event = self.joined.advance(event);
        self.with_sink(event, |sink| sink.send(event, &self.joined));
    }

    fn answer(&mut self, event: &OutgoingEvent) {
        let event = self.joined.advance(event);
        self.with_sink(event, |sink| sink.answer(event, &self.joined));
    }

    fn send_volatile(&self, event: &OutgoingEvent) {
        self.with_sink(event, |sink| {
            sink.send_volatile(event);
            Ok(())
        });
    }

    /// A session that is closing, or too slow, ends by itself, and one whose sink panics is ended here:
    /// each client resumes from the log, and the other sessions are sent the event all the same.
    fn with_sink(
        &self,
        event: &OutgoingEvent,
        send: impl FnOnce(&dyn EventSink) -> Result<(), SessionClosed>,
    ) {
        let sink = &*self.sink;
        match caught("sending to a session", || send(sink)) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, event = event.name(), "an event did not reach a session");
            }
            None => disconnect(sink, DisconnectCause::Failed),
        }
    }
}

/// Ends the session behind `sink`. One that cannot be ended so does not keep others from being ended.
pub(crate) fn disconnect(sink: &dyn EventSink, cause: DisconnectCause) {
    let _logged = caught("ending a session", || sink.disconnect(cause));
}

// When tokens end, and their sessions with them.

impl Registrations {
    /// From now on the session has this token.
    pub(crate) fn renew(&mut self, key: SessionKey, token: TokenTimes) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.token = token;
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
            let Some(end) = entry.token.expires_at.filter(|_| !entry.warned) else { continue };
            if end > now && end.as_millis() - now.as_millis() <= notice {
                entry.warned = true;
                expiring.push((*key, end));
            }
        }
        expiring
    }

    /// The sessions of `user` whose tokens were issued at a time for which `is_ended` holds.
    pub(crate) fn sinks_of(
        &self,
        user: &UserId,
        is_ended: impl Fn(Option<Timestamp>) -> bool,
    ) -> Vec<Arc<dyn EventSink>> {
        let sessions = self.people.get(user).into_iter().flat_map(|person| &person.sessions);
        let entries = sessions.filter_map(|session| self.entries.get(session));
        let ended = entries.filter(|entry| is_ended(entry.token.issued_at));
        ended.map(|entry| entry.sink.clone()).collect()
    }

    /// The sessions whose tokens have ended by `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<Arc<dyn EventSink>> {
        let ended = |entry: &&SessionEntry| entry.token.expires_at.is_some_and(|end| end <= now);
        self.entries.values().filter(ended).map(|entry| entry.sink.clone()).collect()
    }
}

// The way out to one session.

/// Why the server ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DisconnectCause {
    /// Its token has expired, or was revoked.
    TokenExpired,
    /// Its person was forgotten.
    Forgotten,
    /// Sending to it panicked. Its client may come back, and resumes.
    Failed,
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

    /// Ends the session. The client is sent a disconnect, and does not reconnect by itself, unless the
    /// session [failed](DisconnectCause::Failed): then its connection ends as if it were lost.
    fn disconnect(&self, cause: DisconnectCause);
}
