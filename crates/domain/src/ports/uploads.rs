use async_trait::async_trait;

use super::StoreError;
use crate::{
    attachment::Attachment,
    id::{AttachmentId, UserId},
    object::{KeptPicture, Picture, PictureKeys},
    time::Timestamp,
};

/// A file that somebody begins to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginUpload {
    /// Its id, which the attachment keeps.
    pub id: AttachmentId,
    /// Whose.
    pub owner: UserId,
    /// What its owner calls it; made by [`tidied_name`](crate::attachment::tidied_name).
    pub name: String,
    /// Where its bytes are going to be.
    pub keys: PictureKeys,
    /// How many uploads that were not sent one person may have (1 to 1,000).
    pub unsent_max: u32,
    /// When.
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
/// job: each method that lets go of some enters [`DeleteObject`](crate::job::Task::DeleteObject) for
/// both forms, in its transaction.
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
