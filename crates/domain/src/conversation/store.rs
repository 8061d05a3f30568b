//! The store ports of conversations, messages, read horizons, logs and uploads, with their inputs
//! and outputs.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    ConversationView, Parties, Status, UnreadConversation,
    attachment::{Attachment, Picture, PictureKeys, StoredPicture},
    event::Event,
    ledger::{Changes, Command, PerSide, Refusal},
    message::Message,
};
use crate::{
    ids::{AttachmentId, ConversationId, MessageId, Seq, UserId},
    page::{ConversationCursor, MessageCursor, Page, Window},
    participant::Participant,
    ports::{Fanout, StoreError},
    time::Timestamp,
};

/// What a committed command has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The participants.
    pub parties: Parties,
    /// How many messages each side has not read afterwards.
    pub unread: PerSide<u64>,
    /// The changes; their events are in the log, and were published.
    pub changes: Changes,
    /// The number of files for which deletion jobs were enqueued: of deleted messages, both forms of
    /// a picture counted as one.
    pub files: u64,
}

/// A refusal that the rules never give to the command in question: a fault of the store.
pub(crate) fn impossible(refusal: Refusal) -> StoreError {
    StoreError::Internal(refusal.into())
}

/// What a command has changed that only a conversation that does not exist, or is none of the person's,
/// can refuse: then `None`.
pub(crate) fn unless_unknown(
    outcome: Result<Committed, Refusal>,
) -> Result<Option<Committed>, StoreError> {
    match outcome {
        Ok(committed) => Ok(Some(committed)),
        Err(Refusal::UnknownConversation) => Ok(None),
        Err(
            refusal @ (Refusal::UnknownPerson
            | Refusal::AlreadyOpen(_)
            | Refusal::KeyKnown(_)
            | Refusal::UnknownUpload
            | Refusal::UnknownMessage
            | Refusal::NotDue
            | Refusal::AlreadyHandled
            | Refusal::BookingChanged),
        ) => Err(impossible(refusal)),
    }
}

/// The one way in which conversations change (D5).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ConversationLog: Send + Sync {
    /// Decides `command` on the conversation with [`decide`](super::ledger::decide) and stores the
    /// changes in one transaction, durably. Commands on one conversation are decided one after
    /// another. Whether the [reader on arrival](Command::reader_on_arrival) is watching is asked of
    /// `fanout` after the conversation was locked. Before this returns, the events were published to `fanout`, those of one conversation
    /// in their order. It completes even when the caller is cancelled.
    ///
    /// With deleted messages it enqueues the jobs that delete their files
    /// ([`DeleteObject`](crate::jobs::Task::DeleteObject) for both forms of each picture of ours,
    /// [`DeleteHostedFile`](crate::jobs::Task::DeleteHostedFile) for each upload key); with
    /// [`mail_to`](Changes::mail_to) it notes that mail may be due
    /// ([`MailStore`](crate::mail::store::MailStore)); an erasure is added to its
    /// [receipt](crate::privacy::erasure::Erasure); a handled event of a booking is marked as handled.
    ///
    /// A [`Refusal`] changes and publishes nothing. After [`StoreError::Unavailable`] it is unknown
    /// whether the command was committed; if it was, its events are published as soon as that is
    /// known, and before those of later commands on the conversation.
    async fn commit(
        &self,
        conversation: &ConversationId,
        command: Command,
        at: Timestamp,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Result<Committed, Refusal>, StoreError>;
}

/// Queries of conversations.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ConversationStore: Send + Sync {
    /// The participants of a conversation; `None` when it does not exist, or `viewer` is none of
    /// them. It takes no lock, and no less work for a conversation of others than for one that does
    /// not exist, so that nobody can tell them apart.
    async fn parties(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<Parties>, StoreError>;

    /// A conversation as `viewer` sees it; `None` when it does not exist or the viewer is no
    /// participant.
    async fn conversation(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<ConversationView>, StoreError>;

    /// The conversations of `viewer`, on either side, newest message first (ties: greater id
    /// first), with this `status` if given. `total` counts all of them.
    async fn conversations(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Result<Page<ConversationView, ConversationCursor>, StoreError>;

    /// The active conversations with messages that `viewer` has not read, newest message first, at
    /// most `limit` (1 to 100).
    async fn unread_conversations(
        &self,
        viewer: &UserId,
        limit: u32,
    ) -> Result<Vec<UnreadConversation>, StoreError>;
}

/// A page of messages, and the state of the conversation at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The participants.
    pub parties: Parties,
    /// The newest log position; the page includes messages up to it and none beyond.
    pub last_seq: Seq,
    /// The messages, newest first.
    pub page: Page<Message, MessageCursor>,
}

/// Queries of messages.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// A page of a conversation's messages, newest first; `None` when the conversation does not
    /// exist or `viewer` is no participant.
    async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<Option<History>, StoreError>;

    /// A message; `None` when it does not exist or `viewer` is no participant of its conversation.
    async fn message(&self, id: &MessageId, viewer: &UserId)
    -> Result<Option<Message>, StoreError>;
}

/// Unread counts (D8).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ReadingStore: Send + Sync {
    /// The number of messages that `reader` has not read in all conversations, also archived ones;
    /// 0 for an unknown person.
    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError>;
}

/// A segment of a conversation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPiece {
    /// The events after the requested position, oldest first and without a gap.
    Events(Vec<Event>),
    /// The log has no complete continuation: the entries right after the requested position were
    /// trimmed, or the log never reached it, as after a restored backup.
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

/// The result of auditing a page of conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditedPage {
    /// Those whose counters were wrong and were repaired, by id.
    pub repaired: Vec<ConversationId>,
    /// The id after which the next page begins; `None` at the end.
    pub next: Option<ConversationId>,
}

/// The counters in the heads of conversations, which only the rules change, and their nightly audit.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait CounterStore: Send + Sync {
    /// Compares the counters in the heads of `limit` conversations (1 to 1,000) after `after` with
    /// their messages: what each side has not read, the newest position of each side, and the number
    /// of messages. A head that differs is compared again under its lock, and repaired if it still
    /// does. A repair is no event.
    async fn audit_heads(
        &self,
        after: Option<ConversationId>,
        limit: u32,
    ) -> Result<AuditedPage, StoreError>;
}

/// The logs of conversations (D5).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait LogStore: Send + Sync {
    /// The events of a conversation after position `after`, at most `limit` (1 to 1,000). A deleted
    /// conversation keeps its log. `None` when it never existed or `viewer` was no participant.
    async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Option<LogPiece>, StoreError>;

    /// The `ConversationOpened`, `ConversationUpdated` and `ConversationDeleted` events at `since`
    /// or later in the viewer's conversations, oldest first (ties: by conversation, then position),
    /// at most `limit` (1 to 1,000).
    async fn changes_since(
        &self,
        viewer: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;

    /// Whether the store can be reached; for readiness probes.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// An upload to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginUpload {
    /// Its id, also that of the later attachment.
    pub id: AttachmentId,
    /// Its owner.
    pub owner: UserId,
    /// The file name; made by [`tidied_name`](super::attachment::tidied_name).
    pub name: String,
    /// The object keys for its bytes.
    pub keys: PictureKeys,
    /// The most unsent uploads per person (1 to 1,000).
    pub unsent_max: u32,
    /// The time of the change.
    pub at: Timestamp,
}

/// A file that anybody with a signed link may download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloadable {
    /// The file name.
    pub name: String,
    /// The picture and its object keys.
    pub picture: StoredPicture,
}

/// Uploads until they are sent with a message (D16). Each method that drops bytes enqueues
/// [`DeleteObject`](crate::jobs::Task::DeleteObject) for both forms, in its transaction.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait UploadStore: Send + Sync {
    /// Records an upload before its first byte is stored, so that a crash leaves no unknown object.
    /// `false` when its owner has too many unsent uploads, or asked to be forgotten; nothing is recorded
    /// then.
    async fn begin_upload(&self, upload: &BeginUpload) -> Result<bool, StoreError>;

    /// Marks an upload as stored, so that its owner may send it. `false` when it no longer exists.
    async fn finish_upload(&self, id: &AttachmentId, picture: &Picture)
    -> Result<bool, StoreError>;

    /// Removes an upload whose bytes are not wanted. Does nothing when it no longer exists.
    async fn abandon_upload(&self, id: &AttachmentId, at: Timestamp) -> Result<(), StoreError>;

    /// Deletes unsent uploads started before `before`, at most `limit` (1 to 1,000). Returns how
    /// many.
    async fn purge_uploads(
        &self,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
    ) -> Result<u64, StoreError>;

    /// A stored file: `viewer` is a participant of its conversation, or uploaded it and has not
    /// sent it yet.
    async fn attachment(
        &self,
        id: &AttachmentId,
        viewer: &UserId,
    ) -> Result<Option<Attachment>, StoreError>;

    /// A stored file for anybody with a signed link. `None` as soon as its message is deleted, or the person
    /// it is from asked to be forgotten.
    async fn downloadable(&self, id: &AttachmentId) -> Result<Option<Downloadable>, StoreError>;

    /// Whether an existing message has a file with this key of the upload service.
    async fn carries_hosted_file(&self, upload_key: &str) -> Result<bool, StoreError>;
}

/// People, as far as the rules of conversations need them. Implemented for every store with a
/// directory and erasures.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait People: Send + Sync {
    /// A person; `None` when the directory does not know them.
    async fn person(&self, id: &UserId) -> Result<Option<Participant>, StoreError>;

    /// Whether a person asked to be forgotten; nothing new is written about them then.
    async fn is_forgotten(&self, id: &UserId) -> Result<bool, StoreError>;
}

/// All store ports that [`Messaging`](crate::Messaging) needs: what another salon service has to
/// implement to have conversations.
pub trait MessagingStore:
    ConversationLog + ConversationStore + MessageStore + ReadingStore + LogStore + People
{
}

impl<T> MessagingStore for T where
    T: ConversationLog + ConversationStore + MessageStore + ReadingStore + LogStore + People
{
}
