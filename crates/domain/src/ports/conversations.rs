use async_trait::async_trait;

use super::StoreError;
use crate::{
    conversation::{ConversationView, Parties, Status, UnreadConversation},
    event::Event,
    id::{AppointmentId, ConversationId, MessageId, UserId},
    page::{ConversationCursor, Page, Window},
    text::{Content, Subject},
    time::Timestamp,
};

/// A conversation to be opened.
#[derive(Clone, Debug)]
pub struct OpenConversation {
    /// Its id, unless there is one already.
    pub id: ConversationId,
    /// Who takes part. Both are in the directory.
    pub parties: Parties,
    /// The booking it is about. A salon has at most one conversation for each.
    pub appointment: Option<AppointmentId>,
    /// What it is about.
    pub subject: Option<Subject>,
    /// What the platform says first, in the salon's name.
    pub opening: Option<Opening>,
    /// When.
    pub at: Timestamp,
}

/// The first message of a conversation, of kind `System`.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its id.
    pub id: MessageId,
    /// What it says.
    pub content: Content,
}

/// What came of opening a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenOutcome {
    /// It is open.
    Opened(Vec<Event>),
    /// The salon already has one for that booking; nothing was changed.
    AlreadyOpen(ConversationId),
}

/// A change of subject, status, or both.
#[derive(Clone, Debug)]
pub struct EditConversation {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Whose doing. Takes part.
    pub by: UserId,
    /// `Some` sets the subject, `Some(None)` takes it away.
    pub subject: Option<Option<Subject>>,
    /// `Some` changes the status.
    pub status: Option<StatusEdit>,
    /// When.
    pub at: Timestamp,
}

/// What becomes of the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusEdit {
    /// This one.
    Set(Status),
    /// The other one.
    Toggle,
}

/// Conversations.
#[async_trait]
pub trait ConversationStore: Send + Sync {
    /// Opens a conversation, with its opening if there is one: both are there or neither. Of two
    /// calls for the same booking of a salon, at the same moment too, one opens and the other is
    /// told [`OpenOutcome::AlreadyOpen`].
    ///
    /// Log: `ConversationOpened`, then `MessagePosted` for the opening.
    async fn open_conversation(&self, open: &OpenConversation) -> Result<OpenOutcome, StoreError>;

    /// Who takes part in a conversation; `None` when there is none.
    async fn parties(&self, id: &ConversationId) -> Result<Option<Parties>, StoreError>;

    /// A conversation as `viewer` sees it; `None` when there is none or the viewer takes no part.
    async fn conversation(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<ConversationView>, StoreError>;

    /// The conversations of `viewer`, on either side, newest message first (ties: greater id
    /// first), only those of `status` if that is given. `total` counts all of them.
    async fn conversations(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Result<Page<ConversationView, ConversationCursor>, StoreError>;

    /// The active conversations in which something waits for `viewer`, newest message first, at
    /// most `limit` of them (1 to 100).
    async fn unread_conversations(
        &self,
        viewer: &UserId,
        limit: u32,
    ) -> Result<Vec<UnreadConversation>, StoreError>;

    /// Changes subject and status; `None` when there is no such conversation or `by` takes no part.
    /// What is already so is not changed, and has no event.
    ///
    /// Log: one `ConversationUpdated` when anything changed. Moves `updated_at`, never
    /// `last_message_at`.
    async fn edit_conversation(
        &self,
        edit: &EditConversation,
    ) -> Result<Option<Vec<Event>>, StoreError>;

    /// Takes a conversation away with all its messages; `None` when there is none or `by` takes no
    /// part. Its log stays, without any text. Enters jobs that delete its files, as
    /// [`delete_message`](super::MessageStore::delete_message) does.
    ///
    /// Log: `ConversationDeleted`.
    async fn delete_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError>;
}
