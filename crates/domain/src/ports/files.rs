use async_trait::async_trait;

use crate::object::{ObjectKey, Picture, PictureKeys};

/// Bytes that come piece by piece.
#[async_trait]
pub trait Chunks: Send {
    /// The next piece, never empty; `None` at the end.
    ///
    /// # Errors
    /// [`Interrupted`] when the rest does not come.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted>;
}

/// The bytes stopped before their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes stopped before their end")]
pub struct Interrupted;

/// Why bytes were not kept. Nothing is left of them, but for what is said at [`Failed`](Self::Failed).
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
    /// It begins like a picture and is none: truncated, damaged, or empty.
    #[error("the picture cannot be read")]
    Unreadable,
    /// More pixels than allowed.
    #[error("the picture has too many pixels")]
    TooManyPixels,
    /// Too many pictures are looked at already.
    #[error("too many pictures at once")]
    Busy,
    /// The place where bytes are kept is full, away or broken. A piece may be left there: delete it.
    #[error("the file could not be kept")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a file could not be read or removed.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The place where it is kept is away or broken.
    #[error("the place where files are kept failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is with an upload service, and nobody said how to ask that.
    #[error("there is no upload service to ask")]
    NobodyToAsk,
}

/// The bytes of an object, on their way.
pub struct ObjectBytes {
    /// How many there are.
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

    /// Keeps bytes that are no picture, as they come and without looking at them, however many they
    /// are, and replaces what was there. Returns how many there were.
    ///
    /// # Errors
    /// [`KeepError::Interrupted`] and [`KeepError::Failed`].
    async fn write(&self, key: &ObjectKey, bytes: &mut dyn Chunks) -> Result<u64, KeepError>;

    /// The bytes of an object; `None` when there is none.
    async fn read(&self, key: &ObjectKey) -> Result<Option<ObjectBytes>, FilesError>;

    /// Removes an object; that there is none is fine.
    async fn delete(&self, key: &ObjectKey) -> Result<(), FilesError>;

    /// Has the upload service remove a file of its own; that there is none is fine.
    ///
    /// # Errors
    /// [`FilesError`].
    async fn delete_hosted(&self, upload_key: &str) -> Result<(), FilesError>;
}
