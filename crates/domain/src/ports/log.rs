use async_trait::async_trait;

use super::StoreError;
use crate::{
    event::Event,
    id::{ConversationId, UserId},
    seq::Seq,
};

/// The conversations' logs (D5).
#[async_trait]
pub trait LogStore: Send + Sync {
    /// What happened in a conversation after position `after`, oldest first and without a gap, at
    /// most `limit` events (1 to 1,000). A deleted conversation still has its log. `None` when
    /// there never was one or `viewer` takes no part.
    async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Option<Vec<Event>>, StoreError>;

    /// Whether the store answers. Meant for readiness.
    async fn ping(&self) -> Result<(), StoreError>;
}
