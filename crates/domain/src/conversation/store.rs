//! The store ports of conversations, messages, read horizons, logs and uploads, and what goes in and
//! comes out of them.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    ConversationView, Parties, Status, UnreadConversation,
    attachment::{Attachment, KeptPicture, Picture, PictureKeys},
    event::Event,
    message::{Draft, Message},
};
use crate::{
    ids::{AppointmentId, AttachmentId, ConversationId, MessageId, Seq, UserId},
    page::{ConversationCursor, MessageCursor, Page, Window},
    participant::Participant,
    ports::StoreError,
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
    /// The platform's first message, in the salon's name.
    pub opening: Option<Opening>,
    /// The time of the change.
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

/// The outcome of opening a conversation.
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
    /// `Some` sets the subject, `Some(None)` removes it.
    pub subject: Option<Option<Subject>>,
    /// `Some` changes the status.
    pub status: Option<StatusEdit>,
    /// The time of the change.
    pub at: Timestamp,
}

/// A change of the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusEdit {
    /// To this one.
    Set(Status),
    /// To the other one.
    Toggle,
}

/// Conversations.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
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

    /// The active conversations with messages that `viewer` has not read, newest message first, at
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

    /// Deletes a conversation with all its messages; `None` when there is none or `by` takes no
    /// part. Its log stays, without any text. Enqueues jobs that delete its files, as
    /// [`delete_message`](MessageStore::delete_message) does.
    ///
    /// Log: `ConversationDeleted`.
    async fn delete_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError>;
}

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
    /// Whether the other side is watching the conversation, so that the message is read at once.
    pub read_on_arrival: bool,
    /// The time of the change.
    pub at: Timestamp,
}

/// The outcome of posting a message.
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
    /// One of the uploads does not exist, is not the author's, is not finished or was sent before.
    /// Nothing was changed.
    UnknownUpload,
}

/// A posted message, and the events of the change.
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
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Posts a message, once for each key of its author (D6). Uploads in it become its files. The key
    /// is looked up before the uploads are checked, so that a retry gets the first answer. What is not
    /// read on arrival is noted for mail to the other side
    /// ([`MailStore`](crate::mail::store::MailStore)).
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
    /// transaction enqueues the jobs that delete its files:
    /// [`DeleteObject`](crate::jobs::Task::DeleteObject) for both forms of each that we keep,
    /// [`DeleteHostedFile`](crate::jobs::Task::DeleteHostedFile) for each upload key.
    ///
    /// Log: `MessageDeleted`.
    async fn delete_message(
        &self,
        id: &MessageId,
        author: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError>;
}

/// How far a person has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTarget {
    /// Everything there is.
    Everything,
    /// Up to this position and no further; a position beyond the newest means everything.
    UpTo(Seq),
}

/// A horizon to be moved.
#[derive(Clone, Debug)]
pub struct MarkRead {
    /// Where.
    pub conversation: ConversationId,
    /// Whose horizon.
    pub reader: UserId,
    /// How far.
    pub target: ReadTarget,
    /// The time of the change.
    pub at: Timestamp,
}

/// A horizon, moved or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedRead {
    /// Who takes part.
    pub parties: Parties,
    /// How many messages of the conversation the reader has still not read.
    pub unread: u64,
    /// `MessagesRead`, if a message became read by this.
    pub event: Option<Event>,
}

/// Read horizons and what follows from them (D8).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ReadingStore: Send + Sync {
    /// Moves the reader's horizon, never back. Nothing happens when no message of the other side
    /// becomes read by it. `None` when there is no such conversation or the reader takes no part.
    ///
    /// Log: `MessagesRead`.
    async fn mark_read(&self, mark: &MarkRead) -> Result<Option<MarkedRead>, StoreError>;

    /// How many messages `reader` has not read in all conversations, archived ones included; 0 for
    /// an unknown person.
    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError>;
}

/// A piece of a conversation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPiece {
    /// What happened after the position that was asked for, oldest first and without a gap.
    Events(Vec<Event>),
    /// The log has no complete continuation from there: the entries right after that position were
    /// trimmed, or it never reached that position, as after a restored backup.
    Trimmed,
}

impl LogPiece {
    /// The events; `None` when the log was trimmed.
    pub fn events(self) -> Option<Vec<Event>> {
        match self {
            Self::Events(events) => Some(events),
            Self::Trimmed => None,
        }
    }
}

/// The conversations' logs (D5).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
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

    /// Whether the store answers; for readiness probes.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// A file that somebody begins to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginUpload {
    /// Its id, which the attachment keeps.
    pub id: AttachmentId,
    /// Its owner.
    pub owner: UserId,
    /// What its owner calls it; made by [`tidied_name`](super::attachment::tidied_name).
    pub name: String,
    /// Where its bytes are going to be.
    pub keys: PictureKeys,
    /// How many uploads that were not sent one person may have (1 to 1,000).
    pub unsent_max: u32,
    /// The time of the change.
    pub at: Timestamp,
}

/// A file as whoever holds a link to it may fetch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloadable {
    /// What its owner called it.
    pub name: String,
    /// What it is, and where its bytes are.
    pub picture: KeptPicture,
}

/// Files on their way to a message (D16). What becomes of bytes that nobody needs any more is a
/// job: each method that lets go of some enters [`DeleteObject`](crate::jobs::Task::DeleteObject) for
/// both forms, in its transaction.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait UploadStore: Send + Sync {
    /// Notes an upload before its first byte is kept, so that nothing is left behind whatever
    /// happens. `false`, and nothing is noted, when its owner has too many that were not sent.
    async fn begin_upload(&self, upload: &BeginUpload) -> Result<bool, StoreError>;

    /// The bytes are kept. From now on its owner may send it. `false` when it is gone.
    async fn finish_upload(&self, id: &AttachmentId, picture: &Picture)
    -> Result<bool, StoreError>;

    /// The bytes are not wanted: the upload is forgotten. Nothing happens when it is gone.
    async fn abandon_upload(&self, id: &AttachmentId, at: Timestamp) -> Result<(), StoreError>;

    /// Takes away uploads begun before `before` that were not sent, at most `limit` (1 to 1,000).
    /// Returns how many there were.
    async fn purge_uploads(
        &self,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
    ) -> Result<u64, StoreError>;

    /// A file that is kept: `viewer` takes part in its conversation, or uploaded it and did not send
    /// it yet.
    async fn attachment(
        &self,
        id: &AttachmentId,
        viewer: &UserId,
    ) -> Result<Option<Attachment>, StoreError>;

    /// A file that is kept, for whoever holds a link to it. `None` as soon as its message is
    /// deleted.
    async fn fetchable(&self, id: &AttachmentId) -> Result<Option<Downloadable>, StoreError>;

    /// Whether a message that is there carries a file which the upload service knows under this key.
    async fn carries_hosted_file(&self, upload_key: &str) -> Result<bool, StoreError>;
}

/// Who takes part, as far as the rules of a conversation ask. A store with a directory and erasures
/// is one by itself.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait People: Send + Sync {
    /// Somebody, or `None` when nobody knows them.
    async fn person(&self, id: &UserId) -> Result<Option<Participant>, StoreError>;

    /// Whether somebody asked to be forgotten: nothing new is written about them.
    async fn is_forgotten(&self, id: &UserId) -> Result<bool, StoreError>;
}

/// Everything that [`Messaging`](crate::Messaging) asks of a store, and nothing else: what another
/// salon service has to implement to have conversations.
pub trait MessagingStore:
    ConversationStore + MessageStore + ReadingStore + LogStore + People
{
}

impl<T> MessagingStore for T where
    T: ConversationStore + MessageStore + ReadingStore + LogStore + People
{
}
