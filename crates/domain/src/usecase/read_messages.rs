use super::{FindError, Messaging};
use crate::{
    event::Event,
    id::{ConversationId, UserId},
    page::{MessageCursor, Window},
    ports::{History, StoreError},
    seq::Seq,
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

    /// What happened after a position, oldest first, at most `limit` events (1 to 1,000). Empty to
    /// anybody who takes no part.
    ///
    /// # Errors
    /// The store's.
    pub async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let events = self.store.events_after(conversation, viewer, after, limit).await?;
        Ok(events.unwrap_or_default())
    }
}
