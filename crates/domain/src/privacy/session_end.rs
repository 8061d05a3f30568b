//! Tokens and sessions that end before their time: those of erased people, and those that the platform revokes.

use std::collections::{HashMap, hash_map::Entry};

use crate::{ids::UserId, participant::Caller, time::Timestamp};

/// Why tokens of a person count no longer. The greater one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionEndReason {
    /// The platform has revoked those that were issued before a time.
    Revoked,
    /// The person was erased: no token of theirs counts, whenever it is issued.
    Erased,
}

impl SessionEndReason {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Erased => "erased",
        }
    }

    /// Parses the word of [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Revoked, Self::Erased].into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Which tokens of a person count no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// The person.
    pub person: UserId,
    /// Revoked are tokens issued before this.
    pub before: Timestamp,
    /// Why.
    pub reason: SessionEndReason,
}

impl SessionEnd {
    /// The end of all tokens of a person who was erased at `at`.
    pub fn of_erased(person: UserId, at: Timestamp) -> Self {
        Self { person, before: at, reason: SessionEndReason::Erased }
    }
}

/// The ends that are known: one for each person. An entry takes about 120 bytes; those of
/// [revocations](Self::drop_revocations) can be dropped when no older token can be valid any more.
#[derive(Clone, Debug, Default)]
pub struct SessionEnds(HashMap<UserId, (SessionEndReason, Timestamp)>);

impl SessionEnds {
    /// Adds an end. An earlier one of the same person stays as far as it goes further. Returns whether
    /// more has ended now than before.
    pub fn insert(&mut self, end: &SessionEnd) -> bool {
        match self.0.entry(end.person.clone()) {
            Entry::Vacant(entry) => {
                entry.insert((end.reason, end.before));
                true
            }
            Entry::Occupied(mut entry) => {
                let (reason, before) = *entry.get();
                let merged = (reason.max(end.reason), before.max(end.before));
                entry.insert(merged) != merged
            }
        }
    }

    /// Why a token of `person` that was issued at `issued_at` counts no longer; `None` when it does count.
    /// A token that does not say when it was issued counts as issued at the epoch.
    pub fn reason(
        &self,
        person: &UserId,
        issued_at: Option<Timestamp>,
    ) -> Option<SessionEndReason> {
        let (reason, before) = *self.0.get(person)?;
        let issued_at = issued_at.unwrap_or(Timestamp::UNIX_EPOCH);
        (reason == SessionEndReason::Erased || issued_at < before).then_some(reason)
    }

    /// The same for the token of a caller.
    pub fn reason_of(&self, caller: &Caller) -> Option<SessionEndReason> {
        self.reason(&caller.user, caller.issued_at)
    }

    /// Drops what revoked tokens that were issued before `before` and no later ones. Erased people stay.
    pub fn drop_revocations(&mut self, before: Timestamp) {
        self.0.retain(|_, (reason, end)| *reason == SessionEndReason::Erased || *end >= before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::user;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).expect("in range")
    }

    fn revoked(before: i64) -> SessionEnd {
        let reason = SessionEndReason::Revoked;
        SessionEnd { person: user("c"), before: at(before), reason }
    }

    #[test]
    fn tokens_issued_before_a_time_are_revoked_and_those_that_do_not_say_when() {
        let mut ends = SessionEnds::default();
        assert!(ends.insert(&revoked(1_000)));
        let reason = |issued| ends.reason(&user("c"), issued);
        let ended = Some(SessionEndReason::Revoked);
        assert_eq!((reason(None), reason(Some(at(999)))), (ended, ended));
        assert_eq!((reason(Some(at(1_000))), ends.reason(&user("d"), None)), (None, None));
    }

    #[test]
    fn an_end_never_moves_back_and_an_erasure_ends_everything() {
        let mut ends = SessionEnds::default();
        assert!(ends.insert(&revoked(1_000)));
        assert!(!ends.insert(&revoked(1_000)) && !ends.insert(&revoked(500)));
        assert!(ends.insert(&revoked(2_000)));
        assert!(ends.insert(&SessionEnd::of_erased(user("c"), at(1_500))));
        assert!(!ends.insert(&revoked(1_800)), "that was ended already");
        let erased = Some(SessionEndReason::Erased);
        assert_eq!(ends.reason(&user("c"), Some(at(1_000_000))), erased);
    }

    #[test]
    fn old_revocations_are_dropped_and_erasures_stay() {
        let mut ends = SessionEnds::default();
        ends.insert(&revoked(1_000));
        ends.insert(&SessionEnd::of_erased(user("e"), at(1)));
        ends.drop_revocations(at(1_000));
        assert_eq!(ends.0.len(), 2);
        ends.drop_revocations(at(1_001));
        assert_eq!(ends.reason(&user("c"), None), None);
        assert_eq!(ends.reason(&user("e"), None), Some(SessionEndReason::Erased));
    }

    #[test]
    fn a_reason_is_read_as_it_is_written() {
        for reason in [SessionEndReason::Revoked, SessionEndReason::Erased] {
            assert_eq!(SessionEndReason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(SessionEndReason::parse("tired"), None);
    }
}
