//! Ports used by several features: clock, ids, fan-out, tokens and files, with their errors.
//! Adapters implement them; `testing` has fakes and mocks. The store port of a feature is in the
//! feature's module.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    conversation::{
        attachment::{ObjectKey, Picture, PictureKeys},
        event::Event,
    },
    ids::{ConversationId, MessageId, UserId},
    participant::Caller,
    time::Timestamp,
};

/// An error of the store, with the driver's error as its source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is unreachable, or the connection broke. A change in progress may have been
    /// applied or not: repeat it with the same key.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store is reachable but cannot serve this request now. Nothing was changed.
    #[error("the store is busy")]
    Busy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store returned something impossible: a bug. Nothing was changed.
    #[error("the store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Returns the current time (D18).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
pub trait Clock: Send + Sync {
    /// The current time, in whole milliseconds.
    fn now(&self) -> Timestamp;
}

/// Generates ids (D2, D18).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
pub trait Ids: Send + Sync {
    /// A new unique id, version 7 (RFC 9562, section 5.7), so that an index of them grows at its end.
    fn next(&self) -> Uuid;
}

/// A single message that its reader marked as read and that was unread before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedMessage {
    /// Its id.
    pub message: MessageId,
    /// Its author.
    pub author: UserId,
    /// When it was marked.
    pub read_at: Timestamp,
}

/// Publishes events to the sessions of the participants.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
pub trait Fanout: Send + Sync {
    /// Publishes events of one conversation that were committed together, in their order. Never waits
    /// for an observer. Called by the store, in the order of its commits
    /// ([`commit`](crate::conversation::store::ConversationLog::commit)); of several nodes only the
    /// one that committed calls it. Observers order events by position; an event may be published
    /// again.
    fn publish(&self, events: &[Event]);

    /// Notifies the author of a message that it was marked as read (D9): once, in the sessions of
    /// this node. It is in no log.
    fn message_read(&self, marked: &MarkedMessage);

    /// The directory entry of `user` has changed. Notifies the sessions of this node, called by
    /// whatever changed it; it is in no log.
    fn person_changed(&self, user: &UserId, change: PersonChange);

    /// Whether `user` is watching `conversation`: a session of theirs has joined it, is not hidden,
    /// and was active recently.
    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool;
}

/// How a person's directory entry has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonChange {
    /// Their profile may have changed.
    Profile,
    /// They were forgotten.
    Forgotten,
    /// Their tokens that were issued before this were revoked.
    Revoked(Timestamp),
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was valid before.
    #[error("the token has expired")]
    Expired,
    /// Not a token, not signed by anyone trusted, signed with an algorithm that is not expected, or
    /// without the claims needed.
    #[error("the token is not valid")]
    Invalid,
}

/// Verifies tokens.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
pub trait TokenVerifier: Send + Sync {
    /// The caller named by `token`, which has no scheme such as `Bearer`.
    ///
    /// # Errors
    /// [`TokenError`]; it repeats nothing of the token.
    fn verify(&self, token: &str) -> Result<Caller, TokenError>;
}

/// A stream of bytes.
#[async_trait]
pub trait Chunks: Send {
    /// The next chunk, never empty; `None` at the end.
    ///
    /// # Errors
    /// [`Interrupted`] when the stream breaks off.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted>;
}

/// The bytes stopped before their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes stopped before their end")]
pub struct Interrupted;

/// Why bytes were not stored. Nothing is left of them, except as said at [`Failed`](Self::Failed).
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The sender stopped, or was too slow.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// More bytes than allowed.
    #[error("the file is too large")]
    TooLarge,
    /// Not one of the kinds of picture taken, or another one than declared.
    #[error("only images are taken")]
    TypeNotAllowed,
    /// It starts like a picture but cannot be decoded: truncated, damaged, or empty.
    #[error("the picture cannot be read")]
    Unreadable,
    /// More pixels than allowed, or too much work to decode.
    #[error("the picture has too many pixels")]
    TooManyPixels,
    /// Too many pictures are being processed already.
    #[error("too many pictures at once")]
    Busy,
    /// Too many pictures of the same owner wait already.
    #[error("too many pictures of one person at once")]
    TooManyAtOnce,
    /// The file storage is full, unreachable or broken. A part may be left there: delete it.
    #[error("the file could not be kept")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a file could not be read or removed.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The file storage is unreachable or broken.
    #[error("the place where files are kept failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is at an upload service, and none is configured.
    #[error("there is no upload service to ask")]
    NoUploadService,
}

/// An object's size and the stream of its bytes.
pub struct ObjectBytes {
    /// The number of bytes.
    pub size_bytes: u64,
    /// The bytes.
    pub chunks: Box<dyn Chunks>,
}

impl std::fmt::Debug for ObjectBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectBytes").field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}

/// The bytes of pictures (D16).
#[async_trait]
pub trait Files: Send + Sync {
    /// Reads a picture of `owner` to its end, within bounds, checks and cleans it (location and
    /// author are removed, orientation is applied), and stores it with a thumbnail. `declared`: the
    /// media type given by the sender, if any. The pictures of one owner wait for one another.
    ///
    /// # Errors
    /// [`KeepError`].
    async fn keep(
        &self,
        owner: &UserId,
        keys: &PictureKeys,
        declared: Option<&str>,
        bytes: &mut dyn Chunks,
    ) -> Result<Picture, KeepError>;

    /// Stores bytes of any kind, unchecked and without a size limit, replacing an existing object.
    /// Returns their number.
    ///
    /// # Errors
    /// [`KeepError::Interrupted`] and [`KeepError::Failed`].
    async fn write(&self, key: &ObjectKey, bytes: &mut dyn Chunks) -> Result<u64, KeepError>;

    /// Reads an object; `None` when there is none.
    async fn read(&self, key: &ObjectKey) -> Result<Option<ObjectBytes>, FilesError>;

    /// Deletes an object; succeeds when there is none.
    async fn delete(&self, key: &ObjectKey) -> Result<(), FilesError>;

    /// Deletes a file at the upload service; succeeds when there is none.
    ///
    /// # Errors
    /// [`FilesError`].
    async fn delete_hosted(&self, upload_key: &str) -> Result<(), FilesError>;
}

/// Called when there is a job that a worker should look at soon. A call may get lost; the next poll
/// finds the job then.
pub type JobNotifier = Arc<dyn Fn() + Send + Sync>;
