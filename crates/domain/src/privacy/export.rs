//! A person's export of their data.

use crate::{conversation::attachment::ObjectKey, ids::UserId, time::Timestamp};

/// How long an archive can be downloaded, in milliseconds: one day. Until then no other one is
/// built, so a person gets one per day.
pub const EXPORT_LIFETIME_MS: i64 = 86_400_000;

/// A person's archive, ready or requested. A person has at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its owner.
    pub person: UserId,
    /// The object key of the archive.
    pub key: ObjectKey,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// The finished archive; `None` while it is being built.
    pub ready: Option<ReadyExport>,
}

/// An archive that can be downloaded.
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
        Self { size_bytes, at, expires_at: expiry(at) }
    }
}

impl Export {
    /// Whether another one may be requested: this one was deleted, or was not built within a day.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        let deadline = expiry(self.requested_at);
        now >= self.ready.map_or(deadline, |ready| ready.expires_at)
    }
}

fn expiry(at: Timestamp) -> Timestamp {
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
        assert!(!export.is_expired(at(EXPORT_LIFETIME_MS - 1)));
        assert!(export.is_expired(at(EXPORT_LIFETIME_MS)));
        export.ready = Some(ReadyExport::new(10, at(5_000)));
        assert!(!export.is_expired(at(EXPORT_LIFETIME_MS + 4_999)));
        assert!(export.is_expired(at(EXPORT_LIFETIME_MS + 5_000)));
    }
}
