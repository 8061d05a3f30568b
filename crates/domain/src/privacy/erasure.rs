//! Forgetting a person: what is kept as the proof of it.

use crate::{ids::UserId, time::Timestamp};

/// The receipt of an erasure. It holds numbers and times, nothing of the person but the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Who is forgotten.
    pub person: UserId,
    /// When that was asked for. From then on nobody sees their name.
    pub requested_at: Timestamp,
    /// When nothing was left; `None` while the work goes on.
    pub finished_at: Option<Timestamp>,
    /// Conversations that they took part in.
    pub conversations: u64,
    /// Messages of theirs that were emptied.
    pub messages: u64,
    /// Files of theirs that were handed over for deletion.
    pub files: u64,
}
