use async_trait::async_trait;

use super::StoreError;
use crate::{
    event::Event,
    id::{ConversationId, UserId},
    seq::Seq,
    time::Timestamp,
};

/// A piece of a conversation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPiece {
    /// What happened after the position that was asked for, oldest first and without a gap.
    Events(Vec<Event>),
    /// The log cannot go on from there: what stood right behind it is forgotten, or it never got so
    /// far, as after a restored backup.
    Trimmed,
}

impl LogPiece {
    /// The events; `None` when the log cannot go on from there.
    pub fn events(self) -> Option<Vec<Event>> {
        match self {
            Self::Events(events) => Some(events),
            Self::Trimmed => None,
        }
    }
}

/// The conversations' logs (D5).
#[async_trait]
pub trait LogStore: Send + Sync {
    /// What happened in a conversation after position `after`, at most `limit` events (1 to 1,000).
    /// A deleted conversation still has its log. `None` when there never was one or `viewer` takes
    /// no part.
    async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Option<LogPiece>, StoreError>;

    /// Which of the viewer's conversations were opened, changed or deleted at `since` or later, as
    /// their logs tell it: `ConversationOpened`, `ConversationUpdated` and `ConversationDeleted`
    /// alone, oldest first (ties: by conversation, then position), at most `limit` of them (1 to
    /// 1,000).
    async fn changes_since(
        &self,
        viewer: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;

    /// Whether the store answers. Meant for readiness.
    async fn ping(&self) -> Result<(), StoreError>;
}
