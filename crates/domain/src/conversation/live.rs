//! Who is online, and who is typing. Neither is stored.
//!
//! Time is passed in as the duration since some instant of a monotonic clock of the caller, so
//! that a corrected wall clock ends nothing.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    hash::Hash,
    time::Duration,
};

use crate::ids::{ConversationId, UserId};

/// How long presence lasts without a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresencePolicy {
    /// How long a session counts as online without a sign of life, in milliseconds. Also how long
    /// the presence of a crashed node is wrong at most (G7).
    pub lease_ms: u64,
    /// How long a person still counts as online after their last session was closed, in
    /// milliseconds: a page that is reloaded does not flicker.
    pub grace_ms: u64,
}

impl Default for PresencePolicy {
    fn default() -> Self {
        Self { lease_ms: 30_000, grace_ms: 5_000 }
    }
}

/// Everyone who is online, by the leases of their sessions `S`.
pub struct Presence<S> {
    policy: PresencePolicy,
    people: HashMap<UserId, Person<S>>,
    /// Everyone of `people`, by when they go offline.
    departures: BTreeSet<(Duration, UserId)>,
}

struct Person<S> {
    /// Each session, and when its lease ends.
    leases: Vec<(S, Duration)>,
    leaves_at: Duration,
}

impl<S: Copy + Eq + Hash> Presence<S> {
    /// Nobody is online.
    pub fn new(policy: PresencePolicy) -> Self {
        Self { policy, people: HashMap::new(), departures: BTreeSet::new() }
    }

    /// Renews the lease of a session, or takes its first one. Returns whether this brings the person
    /// online.
    pub fn hold(&mut self, user: &UserId, session: S, now: Duration) -> bool {
        let ends_at = now + Duration::from_millis(self.policy.lease_ms);
        let arrives = !self.people.contains_key(user);
        let person = self
            .people
            .entry(user.clone())
            .or_insert_with(|| Person { leases: Vec::new(), leaves_at: ends_at });
        person.leases.retain(|(holder, _)| *holder != session);
        person.leases.push((session, ends_at));
        self.set_departure(user, ends_at);
        arrives
    }

    /// Ends the lease of a session that was closed. The person stays online as long as another
    /// session holds a lease, else for the grace. Does nothing for a session without a lease.
    pub fn release(&mut self, user: &UserId, session: S, now: Duration) {
        let Some(person) = self.people.get_mut(user) else { return };
        person.leases.retain(|(_, ends_at)| *ends_at > now);
        let Some(index) = person.leases.iter().position(|(holder, _)| *holder == session) else {
            return;
        };
        person.leases.swap_remove(index);
        let last = person.leases.iter().map(|(_, ends_at)| *ends_at).max();
        let grace = now + Duration::from_millis(self.policy.grace_ms);
        self.set_departure(user, last.unwrap_or(grace));
    }

    /// Removes everyone whose leases and grace are over at `now`. Returns them, by the time at which
    /// they went offline.
    pub fn sweep(&mut self, now: Duration) -> Vec<UserId> {
        let mut gone = Vec::new();
        while let Some((leaves_at, user)) = self.departures.pop_first() {
            if leaves_at > now {
                self.departures.insert((leaves_at, user));
                break;
            }
            self.people.remove(&user);
            gone.push(user);
        }
        gone
    }

    /// When [`sweep`](Self::sweep) is next due.
    pub fn next_departure(&self) -> Option<Duration> {
        self.departures.first().map(|(leaves_at, _)| *leaves_at)
    }

    /// Whether a person is online, as of the last sweep.
    pub fn is_online(&self, user: &UserId) -> bool {
        self.people.contains_key(user)
    }

    fn set_departure(&mut self, user: &UserId, leaves_at: Duration) {
        let Some(person) = self.people.get_mut(user) else { return };
        self.departures.remove(&(person.leaves_at, user.clone()));
        person.leaves_at = leaves_at;
        self.departures.insert((leaves_at, user.clone()));
    }
}

impl<S> fmt::Debug for Presence<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").field("online", &self.people.len()).finish_non_exhaustive()
    }
}

// Who is typing. A mark that is not renewed expires.

/// How long a typing mark lives, and how often others are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypingPolicy {
    /// How long a mark lives after it was last sent, in milliseconds, for a session that repeats its
    /// marks (G7).
    pub lease_ms: u64,
    /// How long it lives for a session that does not, in milliseconds: some clients send it once,
    /// when somebody begins to type, however long they then type.
    pub unrepeated_lease_ms: u64,
    /// The shortest time between two announcements that a person is typing in a conversation, in
    /// milliseconds. A mark that is sent again counts as repeated when so much has passed since the
    /// first of its burst: one that was fired twice is not.
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

/// What others are to be told. They are told of an end only if they were told of the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement<S> {
    /// Who, and where.
    pub writer: Writer,
    /// The session it comes from, which is not told.
    pub session: S,
    /// Whether they type, or no longer do.
    pub writes: bool,
}

/// Everyone who is typing, by the sessions `S` they type in.
pub struct Typing<S> {
    policy: TypingPolicy,
    marks: HashMap<Writer, Mark<S>>,
    /// Every one of `marks`, by when something is due with it.
    due: BTreeSet<(Duration, Writer)>,
    /// Sessions that repeat their marks. Each stays until a burst in which its mark was sent once
    /// has ended, or the session is [forgotten](Self::forget).
    repeating: HashSet<S>,
}

struct Mark<S> {
    session: S,
    /// When the burst began: when the session sent the mark while it had none.
    began_at: Duration,
    /// Whether the session has repeated the mark in this burst.
    is_repeated: bool,
    /// When the mark was last sent.
    sent_at: Duration,
    /// When the mark expires; `None` once it has ended.
    until: Option<Duration>,
    /// Whether others believe that the person is typing.
    is_told: bool,
    /// No beginning is announced before this.
    quiet_until: Duration,
    due_at: Duration,
}

impl<S: Copy + Eq> Mark<S> {
    /// Whether `session` counts as typing by its own word.
    fn is_standing(&self, session: S, now: Duration) -> bool {
        self.session == session && self.until.is_some_and(|until| until > now)
    }

    /// Whether its time is over and nobody has ended it yet.
    fn is_expired(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// When something is due: the end, an announcement held back, or forgetting.
    fn due(&self) -> Duration {
        match self.until {
            Some(until) if self.is_told => until,
            Some(until) => until.min(self.quiet_until),
            None => self.quiet_until,
        }
    }
}

impl<S: Copy + Eq + Hash> Typing<S> {
    /// Nobody is typing.
    pub fn new(policy: TypingPolicy) -> Self {
        let (marks, due, repeating) = (HashMap::new(), BTreeSet::new(), HashSet::new());
        Self { policy, marks, due, repeating }
    }

    /// A session sends that its person is typing. Returns what others are to be told now; what comes
    /// too soon after the last announcement is returned by [`sweep`](Self::sweep), if it still holds.
    pub fn start(&mut self, writer: &Writer, session: S, now: Duration) -> Option<Announcement<S>> {
        let taken = self.take(writer);
        if let Some(expired) = taken.as_ref().filter(|mark| mark.is_expired(now)) {
            self.end_burst(expired);
        }
        let is_standing = taken.as_ref().is_some_and(|mark| mark.is_standing(session, now));
        let mut mark = taken.unwrap_or(Mark {
            session,
            began_at: now,
            is_repeated: false,
            sent_at: now,
            until: None,
            is_told: false,
            quiet_until: now,
            due_at: now,
        });
        if !is_standing {
            (mark.began_at, mark.is_repeated) = (now, false);
        }
        // One that comes again that long after the first of its burst was not just fired twice.
        let is_repeated = is_standing && now >= mark.began_at + self.pause();
        if is_repeated && self.repeating.insert(session) {
            self.shorten_marks_of(session);
        }
        mark.is_repeated |= is_repeated;
        let until = now + self.lease_of(session);
        (mark.session, mark.sent_at, mark.until) = (session, now, Some(until));
        let is_due = mark.quiet_until <= now;
        if is_due {
            mark.is_told = true;
            mark.quiet_until = now + self.pause();
        }
        self.put(writer.clone(), mark);
        is_due.then(|| Announcement { writer: writer.clone(), session, writes: true })
    }

    /// A session sends that its person stopped typing. Ignored unless it is the session in which they
    /// last typed.
    pub fn stop(&mut self, writer: &Writer, session: S, now: Duration) -> Option<Announcement<S>> {
        let holds = self.marks.get(writer).is_some_and(|mark| mark.session == session);
        if holds { self.end(writer, now) } else { None }
    }

    /// Ends a person's typing whichever session it is in: the message was sent.
    pub fn end(&mut self, writer: &Writer, now: Duration) -> Option<Announcement<S>> {
        let mut mark = self.take(writer)?;
        self.end_burst(&mark);
        let was_told = std::mem::replace(&mut mark.is_told, false);
        mark.until = None;
        let session = mark.session;
        if mark.quiet_until > now {
            self.put(writer.clone(), mark);
        }
        was_told.then(|| Announcement { writer: writer.clone(), session, writes: false })
    }

    /// Forgets whether `session`, which has ended, repeats its marks. To be called once for each
    /// session.
    pub fn forget(&mut self, session: S) {
        self.repeating.remove(&session);
    }

    /// Does what is due at `now`: ends expired marks, and makes the announcements that were held back
    /// until now.
    pub fn sweep(&mut self, now: Duration) -> Vec<Announcement<S>> {
        let mut announcements = Vec::new();
        while let Some((due_at, writer)) = self.due.first().cloned() {
            if due_at > now {
                break;
            }
            let Some(mark) = self.marks.get(&writer) else { break };
            let (session, until) = (mark.session, mark.until);
            announcements.extend(match until {
                Some(until) if until > now => self.tell_held_back(&writer, session, now),
                _ => self.end(&writer, now),
            });
        }
        announcements
    }

    /// When [`sweep`](Self::sweep) is next due.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|(due_at, _)| *due_at)
    }

    /// How many marks are kept.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether no marks are kept: nobody is typing, or was within the pause.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The burst of `mark` has ended. If its session sent it once, the session is given the long lease
    /// again.
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

    /// Gives every mark of `session` the short lease. Looks at all marks, once for each session that
    /// begins to repeat.
    fn shorten_marks_of(&mut self, session: S) {
        let lease = self.lease_of(session);
        let stands = |mark: &Mark<S>| mark.session == session && mark.until.is_some();
        let marks = self.marks.iter().filter(|(_, mark)| stands(mark));
        let writers: Vec<_> = marks.map(|(writer, _)| writer.clone()).collect();
        for writer in writers {
            if let Some(mut mark) = self.take(&writer) {
                mark.until = Some(mark.sent_at + lease);
                self.put(writer, mark);
            }
        }
    }

    fn tell_held_back(
        &mut self,
        writer: &Writer,
        session: S,
        now: Duration,
    ) -> Option<Announcement<S>> {
        let mut mark = self.take(writer)?;
        mark.is_told = true;
        mark.quiet_until = now + self.pause();
        self.put(writer.clone(), mark);
        Some(Announcement { writer: writer.clone(), session, writes: true })
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
