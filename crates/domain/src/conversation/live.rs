//! Presence and typing; neither is stored.
//!
//! Time is a duration since a fixed instant of the caller's monotonic clock, so that a wall clock
//! adjustment expires nothing.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    hash::Hash,
    time::Duration,
};

use crate::ids::{ConversationId, UserId};

/// How long presence lasts without a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresencePolicy {
    /// How long a session counts as online without a renewal, in milliseconds. Also the longest
    /// time for which the presence of a crashed node is wrong (G7).
    pub lease_ms: u64,
    /// How long a person stays online after their last session closed, in milliseconds, so that a
    /// page reload does not flicker.
    pub grace_ms: u64,
}

impl Default for PresencePolicy {
    fn default() -> Self {
        Self { lease_ms: 30_000, grace_ms: 5_000 }
    }
}

/// People who are online, by the leases of their sessions `S`.
pub struct Presence<S> {
    policy: PresencePolicy,
    people: HashMap<UserId, Person<S>>,
    /// All of `people`, ordered by the time they go offline.
    expiries: BTreeSet<(Duration, UserId)>,
}

struct Person<S> {
    /// Each session with the end of its lease.
    leases: Vec<(S, Duration)>,
    offline_at: Duration,
}

impl<S: Copy + Eq + Hash> Presence<S> {
    /// Creates it with nobody online.
    pub fn new(policy: PresencePolicy) -> Self {
        Self { policy, people: HashMap::new(), expiries: BTreeSet::new() }
    }

    /// Renews the lease of a session, or grants its first one. Returns whether the person comes
    /// online by this.
    pub fn renew(&mut self, user: &UserId, session: S, now: Duration) -> bool {
        let ends_at = now + Duration::from_millis(self.policy.lease_ms);
        let comes_online = !self.people.contains_key(user);
        let person = self
            .people
            .entry(user.clone())
            .or_insert_with(|| Person { leases: Vec::new(), offline_at: ends_at });
        person.leases.retain(|(owner, _)| *owner != session);
        person.leases.push((session, ends_at));
        self.set_expiry(user, ends_at);
        comes_online
    }

    /// Ends the lease of a closed session. The person stays online while another session has a
    /// lease, else for the grace period. Does nothing for a session without a lease.
    pub fn release(&mut self, user: &UserId, session: S, now: Duration) {
        let Some(person) = self.people.get_mut(user) else { return };
        person.leases.retain(|(_, ends_at)| *ends_at > now);
        let Some(index) = person.leases.iter().position(|(owner, _)| *owner == session) else {
            return;
        };
        person.leases.swap_remove(index);
        let last = person.leases.iter().map(|(_, ends_at)| *ends_at).max();
        let grace = now + Duration::from_millis(self.policy.grace_ms);
        self.set_expiry(user, last.unwrap_or(grace));
    }

    /// Removes everyone whose leases and grace period ended by `now`. Returns them, ordered by the
    /// time they went offline.
    pub fn sweep(&mut self, now: Duration) -> Vec<UserId> {
        let mut offline = Vec::new();
        while let Some((offline_at, user)) = self.expiries.pop_first() {
            if offline_at > now {
                self.expiries.insert((offline_at, user));
                break;
            }
            self.people.remove(&user);
            offline.push(user);
        }
        offline
    }

    /// When [`sweep`](Self::sweep) is due next.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.expiries.first().map(|(offline_at, _)| *offline_at)
    }

    /// Whether a person is online, as of the last sweep.
    pub fn is_online(&self, user: &UserId) -> bool {
        self.people.contains_key(user)
    }

    fn set_expiry(&mut self, user: &UserId, offline_at: Duration) {
        let Some(person) = self.people.get_mut(user) else { return };
        self.expiries.remove(&(person.offline_at, user.clone()));
        person.offline_at = offline_at;
        self.expiries.insert((offline_at, user.clone()));
    }
}

impl<S> fmt::Debug for Presence<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").field("online", &self.people.len()).finish_non_exhaustive()
    }
}

// Typing: marks that expire unless they are renewed.

/// How long a typing mark lasts, and how often it is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypingPolicy {
    /// How long a mark lasts after it was last sent, in milliseconds, for a session that repeats
    /// its marks (G7).
    pub lease_ms: u64,
    /// How long it lasts for a session that does not repeat its marks, in milliseconds: some
    /// clients send it once, when a person begins to type, however long they type.
    pub unrepeated_lease_ms: u64,
    /// The shortest time between two announcements that a person is typing in a conversation, in
    /// milliseconds. Also the age of a burst after which sending the mark again counts as repeating
    /// it; sooner, it was only sent twice.
    pub pause_ms: u64,
}

impl Default for TypingPolicy {
    fn default() -> Self {
        Self { lease_ms: 6_000, unrepeated_lease_ms: 60_000, pause_ms: 2_000 }
    }
}

/// A person typing in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Writer {
    /// The conversation.
    pub conversation: ConversationId,
    /// The person.
    pub user: UserId,
}

/// A typing change to publish. An end is announced only after a beginning was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement<S> {
    /// Who types, and where.
    pub writer: Writer,
    /// The session it comes from, which is not notified.
    pub session: S,
    /// Whether they are typing.
    pub is_typing: bool,
}

/// People who are typing, by the sessions `S` they type in.
pub struct Typing<S> {
    policy: TypingPolicy,
    marks: HashMap<Writer, Mark<S>>,
    /// All of `marks`, ordered by the time they are due.
    due: BTreeSet<(Duration, Writer)>,
    /// Sessions that repeat their marks. A session stays here until a burst ends in which it sent
    /// its mark only once, or until it is [removed](Self::remove_session).
    repeating: HashSet<S>,
}

struct Mark<S> {
    session: S,
    /// When the burst began: the session sent the mark while it had none.
    began_at: Duration,
    /// Whether the session has repeated the mark in this burst.
    is_repeated: bool,
    /// When the mark was last sent.
    sent_at: Duration,
    /// When the mark expires; `None` once it has ended.
    until: Option<Duration>,
    /// Whether the beginning was announced and the end was not.
    is_announced: bool,
    /// No beginning is announced before this.
    next_announcement_at: Duration,
    due_at: Duration,
}

impl<S: Copy + Eq> Mark<S> {
    /// Whether `session` owns an unexpired mark.
    fn is_active(&self, session: S, now: Duration) -> bool {
        self.session == session && self.until.is_some_and(|until| until > now)
    }

    /// Whether it has expired without having been ended.
    fn is_expired(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// When something is due: the end, a delayed announcement, or the removal.
    fn due(&self) -> Duration {
        match self.until {
            Some(until) if self.is_announced => until,
            Some(until) => until.min(self.next_announcement_at),
            None => self.next_announcement_at,
        }
    }
}

impl<S: Copy + Eq + Hash> Typing<S> {
    /// Creates it with nobody typing.
    pub fn new(policy: TypingPolicy) -> Self {
        let (marks, due, repeating) = (HashMap::new(), BTreeSet::new(), HashSet::new());
        Self { policy, marks, due, repeating }
    }

    /// A session reports that its person is typing. Returns the announcement to publish now; one
    /// that comes too soon after the last is returned by [`sweep`](Self::sweep), if it still holds
    /// then.
    pub fn start(&mut self, writer: &Writer, session: S, now: Duration) -> Option<Announcement<S>> {
        let taken = self.take(writer);
        if let Some(expired) = taken.as_ref().filter(|mark| mark.is_expired(now)) {
            self.end_burst(expired);
        }
        let is_active = taken.as_ref().is_some_and(|mark| mark.is_active(session, now));
        let mut mark = taken.unwrap_or(Mark {
            session,
            began_at: now,
            is_repeated: false,
            sent_at: now,
            until: None,
            is_announced: false,
            next_announcement_at: now,
            due_at: now,
        });
        if !is_active {
            (mark.began_at, mark.is_repeated) = (now, false);
        }
        // Sent again this long after the beginning of the burst, the mark was repeated and not only
        // sent twice.
        let is_repeated = is_active && now >= mark.began_at + self.pause();
        if is_repeated && self.repeating.insert(session) {
            self.shorten_marks_of(session);
        }
        mark.is_repeated |= is_repeated;
        let until = now + self.lease_of(session);
        (mark.session, mark.sent_at, mark.until) = (session, now, Some(until));
        let is_due = mark.next_announcement_at <= now;
        if is_due {
            mark.is_announced = true;
            mark.next_announcement_at = now + self.pause();
        }
        self.put(writer.clone(), mark);
        is_due.then(|| Announcement { writer: writer.clone(), session, is_typing: true })
    }

    /// A session reports that its person stopped typing. Ignored unless it is the session in which
    /// they typed last.
    pub fn stop(&mut self, writer: &Writer, session: S, now: Duration) -> Option<Announcement<S>> {
        let is_owner = self.marks.get(writer).is_some_and(|mark| mark.session == session);
        if is_owner { self.end(writer, now) } else { None }
    }

    /// Ends a person's typing in any session: the message was sent.
    pub fn end(&mut self, writer: &Writer, now: Duration) -> Option<Announcement<S>> {
        let mut mark = self.take(writer)?;
        self.end_burst(&mark);
        let was_announced = std::mem::replace(&mut mark.is_announced, false);
        mark.until = None;
        let session = mark.session;
        if mark.next_announcement_at > now {
            self.put(writer.clone(), mark);
        }
        was_announced.then(|| Announcement { writer: writer.clone(), session, is_typing: false })
    }

    /// Forgets whether the closed session repeats its marks. Call it once per session.
    pub fn remove_session(&mut self, session: S) {
        self.repeating.remove(&session);
    }

    /// Ends expired marks and returns them with the delayed announcements that are due at `now`.
    pub fn sweep(&mut self, now: Duration) -> Vec<Announcement<S>> {
        let mut announcements = Vec::new();
        while let Some((due_at, writer)) = self.due.first().cloned() {
            if due_at > now {
                break;
            }
            let Some(mark) = self.marks.get(&writer) else { break };
            let (session, until) = (mark.session, mark.until);
            announcements.extend(match until {
                Some(until) if until > now => self.announce_delayed(&writer, session, now),
                _ => self.end(&writer, now),
            });
        }
        announcements
    }

    /// When [`sweep`](Self::sweep) is due next.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|(due_at, _)| *due_at)
    }

    /// The number of marks kept.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether no marks are kept: nobody is typing, or was within the pause.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Ends the burst of `mark`. If its session sent the mark only once, the session gets the long
    /// lease again.
    fn end_burst(&mut self, mark: &Mark<S>) {
        if mark.until.is_some() && !mark.is_repeated {
            self.repeating.remove(&mark.session);
        }
    }

    fn pause(&self) -> Duration {
        Duration::from_millis(self.policy.pause_ms)
    }

    fn lease_of(&self, session: S) -> Duration {
        let repeats = self.repeating.contains(&session);
        let TypingPolicy { lease_ms, unrepeated_lease_ms, .. } = self.policy;
        Duration::from_millis(if repeats { lease_ms } else { unrepeated_lease_ms })
    }

    /// Gives every mark of `session` the short lease. Scans all marks, once per session that begins
    /// to repeat.
    fn shorten_marks_of(&mut self, session: S) {
        let lease = self.lease_of(session);
        let is_active = |mark: &Mark<S>| mark.session == session && mark.until.is_some();
        let marks = self.marks.iter().filter(|(_, mark)| is_active(mark));
        let writers: Vec<_> = marks.map(|(writer, _)| writer.clone()).collect();
        for writer in writers {
            if let Some(mut mark) = self.take(&writer) {
                mark.until = Some(mark.sent_at + lease);
                self.put(writer, mark);
            }
        }
    }

    fn announce_delayed(
        &mut self,
        writer: &Writer,
        session: S,
        now: Duration,
    ) -> Option<Announcement<S>> {
        let mut mark = self.take(writer)?;
        mark.is_announced = true;
        mark.next_announcement_at = now + self.pause();
        self.put(writer.clone(), mark);
        Some(Announcement { writer: writer.clone(), session, is_typing: true })
    }

    fn take(&mut self, writer: &Writer) -> Option<Mark<S>> {
        let (writer, mark) = self.marks.remove_entry(writer)?;
        self.due.remove(&(mark.due_at, writer));
        Some(mark)
    }

    fn put(&mut self, writer: Writer, mut mark: Mark<S>) {
        mark.due_at = mark.due();
        self.due.insert((mark.due_at, writer.clone()));
        self.marks.insert(writer, mark);
    }
}

impl<S> fmt::Debug for Typing<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typing").field("marks", &self.marks.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
