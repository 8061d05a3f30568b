//! A person's copy of what is kept about them.

use crate::{conversation::attachment::ObjectKey, ids::UserId, time::Timestamp};

/// How long an archive can be fetched, in milliseconds: a day. Until then no other one is made, so a
/// person gets one a day.
pub const EXPORT_LIFETIME_MS: i64 = 86_400_000;

/// A person's archive, or the wish for one. A person has one at the most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its owner.
    pub person: UserId,
    /// Where the archive is, or will be.
    pub key: ObjectKey,
    /// When they asked for it.
    pub requested_at: Timestamp,
    /// What there is to fetch; `None` while it is being made.
    pub ready: Option<ReadyExport>,
}

/// An archive that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyExport {
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// When it was finished.
    pub at: Timestamp,
    /// When it is deleted.
    pub expires_at: Timestamp,
}

impl ReadyExport {
    /// An archive that was finished at `at`.
    pub fn new(size_bytes: u64, at: Timestamp) -> Self {
        Self { size_bytes, at, expires_at: a_lifetime_after(at) }
    }
}

impl Export {
    /// Whether another one may be asked for: this one was deleted, or was not made within a day.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let usual = a_lifetime_after(self.requested_at);
        now >= self.ready.map_or(usual, |ready| ready.expires_at)
    }
}

fn a_lifetime_after(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(EXPORT_LIFETIME_MS)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).expect("in range")
    }

    #[test]
    fn another_archive_may_be_asked_for_when_the_last_one_is_gone() {
        let mut export = Export {
            person: UserId::parse("c1").expect("good"),
            key: ObjectKey::parse("a/export").expect("good"),
            requested_at: at(0),
            ready: None,
        };
        assert!(!export.is_over(at(EXPORT_LIFETIME_MS - 1)));
        assert!(export.is_over(at(EXPORT_LIFETIME_MS)));
        export.ready = Some(ReadyExport::new(10, at(5_000)));
        assert!(!export.is_over(at(EXPORT_LIFETIME_MS + 4_999)));
        assert!(export.is_over(at(EXPORT_LIFETIME_MS + 5_000)));
    }
}
