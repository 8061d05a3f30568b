//! The ports that several features need: clock, ids, fan-out, tokens and files, with their errors.
//! Adapters implement them; `testing` holds fakes and mocks. The ports of a feature's store stand with
//! the feature.

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

/// What went wrong with the store. The driver's own error is kept as the source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, or the connection broke. A change that was under way may have
    /// happened or not: repeat it under the same key.
    #[error("the store cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store is reachable but cannot take this request now. Nothing was changed.
    #[error("the store is busy")]
    Busy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store answered something impossible: a bug in our code. Nothing was changed.
    #[error("the store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Tells the time (D18).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
pub trait Clock: Send + Sync {
    /// The present moment, in whole milliseconds.
    fn now(&self) -> Timestamp;
}

/// Generates ids (D2, D18).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
pub trait Ids: Send + Sync {
    /// A new unique id, version 7 (RFC 9562, section 5.7), so that an index of them grows at its end.
    fn next(&self) -> Uuid;
}

/// A single message that its reader marked as read, and that was unread before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedMessage {
    /// Its id.
    pub message: MessageId,
    /// Who wrote it.
    pub author: UserId,
    /// When it was marked.
    pub read_at: Timestamp,
}

/// Publishes events to those who may see them.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Fanout: Send + Sync {
    /// Waits until it is the caller's turn to change `conversation`. On one node turns follow one
    /// another, so events are published in the order in which they were committed. Other nodes keep
    /// no turns with us; observers go by position.
    async fn turn(&self, conversation: &ConversationId) -> Box<dyn PublishGuard>;

    /// Tells the author of a message that it was marked as read (D9): once, to the sessions of the
    /// node that took the mark. No log holds it.
    fn message_read(&self, marked: &MarkedMessage);

    /// What the directory shows of `user` has changed. Told to the sessions of this node, by whoever
    /// changed it: no log holds it.
    fn person_changed(&self, user: &UserId, change: PersonChange);

    /// Whether `user` is looking at `conversation` now: a session of theirs has joined it, did not
    /// say that it is out of sight, and has shown lately that its client is awake.
    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool;
}

/// How a person's entry in the directory has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonChange {
    /// Their profile may be another.
    Profile,
    /// They were forgotten.
    Forgotten,
}

/// The right to change one conversation. Dropping it releases it; nothing is published then.
pub trait PublishGuard: Send {
    /// Publishes what happened and releases the turn. Never waits for an observer.
    fn publish(self: Box<Self>, events: Vec<Event>);
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
    /// Not a token, not signed by anyone trusted, signed with an algorithm that is not expected, or
    /// without the claims needed.
    #[error("the token is not valid")]
    Invalid,
}

/// Reads tokens.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
pub trait TokenVerifier: Send + Sync {
    /// Whom `token` names. The token comes without a scheme such as `Bearer`.
    ///
    /// # Errors
    /// [`TokenError`]; nothing of the token is repeated in it.
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
    /// More pixels than allowed.
    #[error("the picture has too many pixels")]
    TooManyPixels,
    /// Too many pictures are being processed already.
    #[error("too many pictures at once")]
    Busy,
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
    /// It is with an upload service, and none is configured.
    #[error("there is no upload service to ask")]
    NobodyToAsk,
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
    /// Reads a picture to its end, within bounds, checks and cleans it (nothing of where and by
    /// whom it was taken stays; it stands upright), and keeps it with a small one of it.
    /// `declared`: what the sender says it is, if they say anything.
    ///
    /// # Errors
    /// [`KeepError`].
    async fn keep(
        &self,
        keys: &PictureKeys,
        declared: Option<&str>,
        bytes: &mut dyn Chunks,
    ) -> Result<Picture, KeepError>;

    /// Stores bytes that are not a picture, unchecked and without a limit of their number, and
    /// replaces what was there. Returns their number.
    ///
    /// # Errors
    /// [`KeepError::Interrupted`] and [`KeepError::Failed`].
    async fn write(&self, key: &ObjectKey, bytes: &mut dyn Chunks) -> Result<u64, KeepError>;

    /// Reads an object; `None` when there is none.
    async fn read(&self, key: &ObjectKey) -> Result<Option<ObjectBytes>, FilesError>;

    /// Deletes an object; succeeds when there is none.
    async fn delete(&self, key: &ObjectKey) -> Result<(), FilesError>;

    /// Has the upload service delete a file of its own; succeeds when there is none.
    ///
    /// # Errors
    /// [`FilesError`].
    async fn delete_hosted(&self, upload_key: &str) -> Result<(), FilesError>;
}

/// Told when there is work that a worker should look at soon. A call may get lost; work is found at
/// the next poll then.
pub type JobNotifier = Arc<dyn Fn() + Send + Sync>;
