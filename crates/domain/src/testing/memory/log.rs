use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    event::{Event, EventKind},
    id::{ConversationId, UserId},
    ports::{LogPiece, LogStore, StoreError},
    seq::Seq,
    time::Timestamp,
};

impl MemoryStore {
    /// Forgets what happened in a conversation up to `seq`, as old entries are forgotten.
    ///
    /// # Panics
    /// When the store is set to fail.
    pub fn forget_log(&self, conversation: &ConversationId, seq: Seq) {
        self.state().expect("the store works").forget_log(conversation, seq);
    }
}

#[async_trait]
impl LogStore for MemoryStore {
    async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Option<LogPiece>, StoreError> {
        let state = self.state()?;
        let Some(record) = state.any_of(conversation, viewer) else {
            return Ok(None);
        };
        if after < record.forgotten || after > record.head.last_seq {
            return Ok(Some(LogPiece::Trimmed));
        }
        let mut events = record.events_after(after, &state.people);
        events.truncate(limit as usize);
        Ok(Some(LogPiece::Events(events)))
    }

    async fn changes_since(
        &self,
        viewer: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let state = self.state()?;
        let of_viewer = state.all_of(viewer);
        let logs = of_viewer.map(|record| record.events_after(record.forgotten, &state.people));
        let mut changes: Vec<_> = logs.flatten().filter(is_change).collect();
        changes.retain(|event| event.at >= since);
        changes.sort_by(|a, b| (a.at, &a.conversation, a.seq).cmp(&(b.at, &b.conversation, b.seq)));
        changes.truncate(limit as usize);
        Ok(changes)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.state().map(drop)
    }
}

/// Whether this is about the conversation itself.
fn is_change(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::ConversationOpened { .. }
            | EventKind::ConversationUpdated { .. }
            | EventKind::ConversationDeleted
    )
}
