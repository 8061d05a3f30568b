use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    event::Event,
    id::{ConversationId, UserId},
    ports::{LogStore, StoreError},
    seq::Seq,
};

#[async_trait]
impl LogStore for MemoryStore {
    async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let state = self.state()?;
        let Some(record) = state.any_of(conversation, viewer) else {
            return Ok(None);
        };
        let mut events = record.events_after(after, &state.people);
        events.truncate(limit as usize);
        Ok(Some(events))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.state().map(drop)
    }
}
