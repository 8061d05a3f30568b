//! Who can be reached now. Never stored: whoever asks again after a restart holds a new lease.
//!
//! Time is passed in as what a clock that never goes back has counted since some moment of the
//! caller's, so a corrected wall clock makes nobody leave.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    hash::Hash,
    time::Duration,
};

use crate::id::UserId;

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
