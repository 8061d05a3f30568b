use std::sync::Arc;

use async_trait::async_trait;

use super::StoreError;
use crate::{
    conversation::Parties,
    event::Event,
    id::{AttachmentId, ConversationId, MessageId, UserId},
    message::{Draft, Message},
    page::{MessageCursor, Page, Window},
    seq::Seq,
    time::Timestamp,
};

/// A message to be posted.
#[derive(Clone, Debug)]
pub struct PostMessage {
    /// Its id, unless the author's key names one already.
    pub id: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// Who says it.
    pub author: UserId,
    /// What.
    pub draft: Draft,
    /// The ids of the draft's files, as many as there are files: of an upload, its own.
    pub attachments: Vec<AttachmentId>,
    /// Whether the other side is looking, so that the message is read as it arrives.
    pub read_on_arrival: bool,
    /// When.
    pub at: Timestamp,
}

/// What came of posting a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostOutcome {
    /// It is posted.
    Posted(Posted),
    /// The author posted the same under the same key before: this is that message. Nothing was
    /// changed.
    Replayed {
        /// The message, as it is now.
        message: Arc<Message>,
        /// Who takes part.
        parties: Parties,
    },
    /// The author posted something else under the same key. Nothing was changed.
    KeyReused,
    /// The author posted under the same key before, and deleted it since. Nothing was changed.
    Withdrawn,
    /// There is no such conversation, or the author takes no part in it.
    UnknownConversation,
    /// One of the uploads is not there, is not the author's, is not finished or was sent before.
    /// Nothing was changed.
    UnknownUpload,
}

/// A message that is posted, and all that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The message.
    pub message: Arc<Message>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// A page of messages, and the state of the conversation it was taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Who takes part.
    pub parties: Parties,
    /// The newest position; the page holds every message up to it and none beyond it.
    pub last_seq: Seq,
    /// The messages, newest first.
    pub page: Page<Message, MessageCursor>,
}

/// Messages.
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Posts a message, once for each key of its author (D6). Uploads in it become its files. A key
    /// that was used before decides before anything is said of uploads. What is not read on arrival is
    /// noted for mail to the other side ([`MailStore`](super::MailStore)).
    ///
    /// Log: `ConversationUpdated` when the conversation was archived and comes back,
    /// `MessagePosted`, and `MessagesRead` by the other side when it is read on arrival.
    async fn post_message(&self, post: &PostMessage) -> Result<PostOutcome, StoreError>;

    /// A page of a conversation's messages, newest first; `None` when there is no such conversation
    /// or `viewer` takes no part.
    async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<Option<History>, StoreError>;

    /// A message; `None` when there is none or `viewer` takes no part in its conversation.
    async fn message(&self, id: &MessageId, viewer: &UserId)
    -> Result<Option<Message>, StoreError>;

    /// Deletes a message: its text and files are gone for both. `None` when there is none or
    /// `author` did not write it. `last_message_at` falls back to the newest message left. In the same
    /// transaction enters the jobs that delete its files:
    /// [`DeleteObject`](crate::job::Task::DeleteObject) for both forms of each that we keep,
    /// [`DeleteHostedFile`](crate::job::Task::DeleteHostedFile) for each upload key.
    ///
    /// Log: `MessageDeleted`.
    async fn delete_message(
        &self,
        id: &MessageId,
        author: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError>;
}
