use super::{FindError, Messaging};
use crate::{
    event::Event,
    id::{ConversationId, UserId},
    page::{MessageCursor, Window},
    ports::{History, LogPiece, StoreError},
    seq::Seq,
    time::Timestamp,
};

impl Messaging {
    /// A page of messages, newest first. Changes nothing (D8).
    ///
    /// # Errors
    /// [`FindError::Unknown`] to anybody who takes no part, too.
    pub async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<History, FindError> {
        self.store.history(conversation, viewer, window).await?.ok_or(FindError::Unknown)
    }

    /// What happened after a position, at most `limit` events (1 to 1,000).
    ///
    /// # Errors
    /// [`FindError::Unknown`] to anybody who takes no part, too.
    pub async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<LogPiece, FindError> {
        let piece = self.store.events_after(conversation, viewer, after, limit).await?;
        piece.ok_or(FindError::Unknown)
    }

    /// Which of the viewer's conversations were opened, changed or deleted at `since` or later,
    /// oldest first, at most `limit` events (1 to 1,000).
    ///
    /// # Errors
    /// The store's.
    pub async fn changes_since(
        &self,
        viewer: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.store.changes_since(viewer, since, limit).await
    }
}
