//! Who can be reached now. Never stored: whoever asks again after a restart holds a new lease.
//!
//! Time is passed in as what a clock that never goes back has counted since some moment of the
//! caller's, so a corrected wall clock makes nobody leave.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    hash::Hash,
    time::Duration,
};

use crate::ids::{ConversationId, UserId};

/// How long presence outlives what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresencePolicy {
    /// How long a session counts as here without a sign of life, in milliseconds. A node that
    /// crashed is right about nobody for at most this long (G7).
    pub lease_ms: u64,
    /// How long a person still counts as here after their last session ended in good order, in
    /// milliseconds: a page that loads again does not flicker.
    pub grace_ms: u64,
}

impl Default for PresencePolicy {
    fn default() -> Self {
        Self { lease_ms: 30_000, grace_ms: 5_000 }
    }
}

/// Everyone who can be reached, by the leases of their sessions `S`.
pub struct Presence<S> {
    terms: PresencePolicy,
    people: HashMap<UserId, Person<S>>,
    /// Everyone of `people`, by when they will have left.
    departures: BTreeSet<(Duration, UserId)>,
}

struct Person<S> {
    /// Each session, and when its lease ends.
    leases: Vec<(S, Duration)>,
    leaves_at: Duration,
}

impl<S: Copy + Eq + Hash> Presence<S> {
    /// Nobody is here yet.
    pub fn new(terms: PresencePolicy) -> Self {
        Self { terms, people: HashMap::new(), departures: BTreeSet::new() }
    }

    /// Takes a sign of life of a session, its first one too: from `now` on its lease runs anew.
    /// Returns whether this brings the person online.
    pub fn hold(&mut self, user: &UserId, session: S, now: Duration) -> bool {
        let ends_at = now + Duration::from_millis(self.terms.lease_ms);
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

    /// Ends a session in good order. The person stays online as long as another session holds a
    /// lease, else for the grace. A session that holds no lease changes nothing.
    pub fn release(&mut self, user: &UserId, session: S, now: Duration) {
        let Some(person) = self.people.get_mut(user) else { return };
        person.leases.retain(|(_, ends_at)| *ends_at > now);
        let Some(index) = person.leases.iter().position(|(holder, _)| *holder == session) else {
            return;
        };
        person.leases.swap_remove(index);
        let last = person.leases.iter().map(|(_, ends_at)| *ends_at).max();
        let grace = now + Duration::from_millis(self.terms.grace_ms);
        self.set_departure(user, last.unwrap_or(grace));
    }

    /// Lets everyone go whose leases and grace are over at `now`. Returns who went offline by it,
    /// those who left first coming first.
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

    /// When [`sweep`](Self::sweep) next finds somebody, if nothing happens until then.
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

// Who is writing now. Never stored; a mark that is not renewed goes away by itself.
//
// Time is passed in as in [`presence`](crate::presence).

/// How long a mark lives, and how often others hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypingPolicy {
    /// How long a person counts as writing after they last said so, in milliseconds, in a session
    /// that is known to repeat it (G7).
    pub lease_ms: u64,
    /// How long they do in a session that has never repeated it, in milliseconds: some clients say
    /// it once, when somebody begins to write, however long that takes.
    pub unrepeated_lease_ms: u64,
    /// The shortest time between two announcements that a person is writing in a conversation, in
    /// milliseconds, however often they say so.
    pub pause_ms: u64,
}

impl Default for TypingPolicy {
    fn default() -> Self {
        Self { lease_ms: 6_000, unrepeated_lease_ms: 60_000, pause_ms: 2_000 }
    }
}

/// Somebody writing somewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Writer {
    /// Where.
    pub conversation: ConversationId,
    /// Who.
    pub user: UserId,
}

/// What others are to hear. They hear of an end only where they heard of a beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement<S> {
    /// Who, and where.
    pub writer: Writer,
    /// The session it comes from, which does not hear it.
    pub session: S,
    /// Whether they write, or no longer do.
    pub writes: bool,
}

/// Everyone who is writing, by the sessions `S` they do it in.
pub struct Typing<S> {
    terms: TypingPolicy,
    marks: HashMap<Writer, Mark<S>>,
    /// Every one of `marks`, by when something is due with it.
    due: BTreeSet<(Duration, Writer)>,
    /// Sessions that said that somebody writes while they counted as writing by the same session's
    /// word. Each stays until it is [forgotten](Self::forget).
    repeating: HashSet<S>,
}

struct Mark<S> {
    session: S,
    /// When they last said so.
    said_at: Duration,
    /// Until when they count as writing; `None` once they stopped.
    until: Option<Duration>,
    /// Whether others believe that they write.
    is_told: bool,
    /// Before this, others hear of no beginning.
    quiet_until: Duration,
    due_at: Duration,
}

impl<S> Mark<S> {
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
    /// Nobody writes yet.
    pub fn new(terms: TypingPolicy) -> Self {
        let (marks, due, repeating) = (HashMap::new(), BTreeSet::new(), HashSet::new());
        Self { terms, marks, due, repeating }
    }

    /// Takes word that somebody writes. Returns what others are to hear of it now; what comes too
    /// soon after the last announcement they hear from [`sweep`](Self::sweep), if it is still so.
    pub fn start(&mut self, writer: &Writer, session: S, now: Duration) -> Option<Announcement<S>> {
        if self.is_repeated(writer, session, now) && self.repeating.insert(session) {
            self.shorten_marks_of(session);
        }
        let until = now + self.lease_of(session);
        let mut mark = self.take(writer).unwrap_or(Mark {
            session,
            said_at: now,
            until: None,
            is_told: false,
            quiet_until: now,
            due_at: now,
        });
        (mark.session, mark.said_at, mark.until) = (session, now, Some(until));
        let is_due = mark.quiet_until <= now;
        if is_due {
            mark.is_told = true;
            mark.quiet_until = now + Duration::from_millis(self.terms.pause_ms);
        }
        self.put(writer.clone(), mark);
        is_due.then(|| Announcement { writer: writer.clone(), session, writes: true })
    }

    /// Takes word of a session that its person stopped. It is heard only from the session in which
    /// they last wrote: another one knows nothing of it.
    pub fn stop(&mut self, writer: &Writer, session: S, now: Duration) -> Option<Announcement<S>> {
        let holds = self.marks.get(writer).is_some_and(|mark| mark.session == session);
        if holds { self.end(writer, now) } else { None }
    }

    /// Ends somebody's writing whichever session it is in: what they wrote is sent.
    pub fn end(&mut self, writer: &Writer, now: Duration) -> Option<Announcement<S>> {
        let mut mark = self.take(writer)?;
        let was_told = std::mem::replace(&mut mark.is_told, false);
        mark.until = None;
        let session = mark.session;
        if mark.quiet_until > now {
            self.put(writer.clone(), mark);
        }
        was_told.then(|| Announcement { writer: writer.clone(), session, writes: false })
    }

    /// Forgets whether `session`, which has ended, repeats what it says. To be called once for each
    /// session.
    pub fn forget(&mut self, session: S) {
        self.repeating.remove(&session);
    }

    /// Does what is due at `now`: returns whose time is over, and whose announcement was held back
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

    /// When [`sweep`](Self::sweep) next has something to do, if nothing happens until then.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|(due_at, _)| *due_at)
    }

    /// How many marks are kept.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether nobody writes, and nobody did a moment ago.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Whether `session` says again what already counts by its own word.
    fn is_repeated(&self, writer: &Writer, session: S, now: Duration) -> bool {
        self.marks.get(writer).is_some_and(|mark| {
            mark.session == session && mark.until.is_some_and(|until| until > now)
        })
    }

    fn lease_of(&self, session: S) -> Duration {
        let repeats = self.repeating.contains(&session);
        let terms = &self.terms;
        Duration::from_millis(if repeats { terms.lease_ms } else { terms.unrepeated_lease_ms })
    }

    /// Gives every mark of `session` the lease that it has now. Looks at all marks, once in the life
    /// of a session.
    fn shorten_marks_of(&mut self, session: S) {
        let lease = self.lease_of(session);
        let stands = |mark: &Mark<S>| mark.session == session && mark.until.is_some();
        let marks = self.marks.iter().filter(|(_, mark)| stands(mark));
        let writers: Vec<_> = marks.map(|(writer, _)| writer.clone()).collect();
        for writer in writers {
            if let Some(mut mark) = self.take(&writer) {
                mark.until = Some(mark.said_at + lease);
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
        mark.quiet_until = now + Duration::from_millis(self.terms.pause_ms);
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
