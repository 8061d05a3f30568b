//! Lists, histories, logs and unread counts.

use super::{
    ConversationView, Status, UnreadConversation,
    event::Event,
    store::{History, LogPiece},
};
use crate::{
    ids::{ConversationId, Seq, UserId},
    messaging::Messaging,
    page::{ConversationCursor, MessageCursor, Page, Window},
    ports::StoreError,
    time::Timestamp,
};

/// The most conversations returned by [`Messaging::unread_conversations`].
const UNREAD_CONVERSATIONS_MAX: u32 = 10;

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// It does not exist, or the viewer is no participant.
    #[error("no such thing")]
    Unknown,
    /// The store failed.
    #[error("it could not be read")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// One conversation, as `viewer` sees it. Read-only.
    ///
    /// # Errors
    /// [`FindError`]; `Unknown` also for anybody who is no participant.
    pub async fn conversation(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<ConversationView, FindError> {
        self.conversations.conversation(id, viewer).await?.ok_or(FindError::Unknown)
    }

    /// A page of the conversations of `viewer`, newest message first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn conversations(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Result<Page<ConversationView, ConversationCursor>, StoreError> {
        self.conversations.conversations(viewer, status, window).await
    }

    /// The number of messages that `reader` has not read, in all conversations, also archived ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError> {
        self.reading.unread_total(reader).await
    }

    /// The active conversations with messages that `reader` has not read: the ten with the newest
    /// messages.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unread_conversations(
        &self,
        reader: &UserId,
    ) -> Result<Vec<UnreadConversation>, StoreError> {
        self.conversations.unread_conversations(reader, UNREAD_CONVERSATIONS_MAX).await
    }

    /// A page of messages, newest first. Read-only: it marks nothing as read (D8).
    ///
    /// # Errors
    /// [`FindError`]; `Unknown` also for anybody who is no participant.
    pub async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<History, FindError> {
        self.messages.history(conversation, viewer, window).await?.ok_or(FindError::Unknown)
    }

    /// The events after a position, oldest first, at most `limit` (1 to 1,000).
    ///
    /// # Errors
    /// [`FindError`]; `Unknown` also for anybody who is no participant.
    pub async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<LogPiece, FindError> {
        let piece = self.log.events_after(conversation, viewer, after, limit).await?;
        piece.ok_or(FindError::Unknown)
    }

    /// Events of the viewer's conversations that were opened, changed or deleted at `since` or
    /// later, oldest first, at most `limit` (1 to 1,000).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn changes_since(
        &self,
        viewer: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.log.changes_since(viewer, since, limit).await
    }
}
