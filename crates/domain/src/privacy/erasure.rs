//! Erasure of a person: the receipt that is kept as proof.

use crate::{ids::UserId, time::Timestamp};

/// The receipt of an erasure: numbers and times, and of the person only the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The erased person.
    pub person: UserId,
    /// When it was requested. Their name is hidden from then on.
    pub requested_at: Timestamp,
    /// When it was complete; `None` while it is in progress.
    pub finished_at: Option<Timestamp>,
    /// Conversations they took part in, without deleted ones; counted when it is complete, 0 before.
    pub conversations: u64,
    /// Their messages, which were deleted.
    pub messages: u64,
    /// Their files, for which deletion jobs were enqueued.
    pub files: u64,
}
