//! Files that were uploaded, until a message names them and after.

use std::sync::Arc;

use super::{
    attachment::{
        Attachment, File, FileError, KeptPicture, MediaType, PictureForm, PictureKeys, tidied_name,
    },
    store::{BeginUpload, UploadStore},
};
use crate::{
    ids::{AttachmentId, UserId},
    ports::{Chunks, Clock, Files, FilesError, Ids, KeepError, ObjectBytes, StoreError},
};

/// The bounds of uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadSettings {
    /// How many uploads that were not sent one person may have (1 to 1,000).
    pub unsent_max: u32,
}

impl Default for UploadSettings {
    /// Twenty.
    fn default() -> Self {
        Self { unsent_max: 20 }
    }
}

/// Pictures that people upload to send them later (D16). Cheap to clone.
#[derive(Clone)]
pub struct Uploads {
    store: Arc<dyn UploadStore>,
    files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    settings: UploadSettings,
}

/// Why nothing was uploaded.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The name is not usable.
    #[error(transparent)]
    Name(#[from] FileError),
    /// The person uploaded too much that they did not send.
    #[error("too many uploads that were not sent")]
    TooManyUnsent,
    /// The bytes were not kept.
    #[error(transparent)]
    Kept(#[from] KeepError),
    /// It took so long that it was taken for abandoned.
    #[error("the upload took too long")]
    Purged,
    /// The store failed.
    #[error("the upload could not be noted")]
    Store(#[from] StoreError),
}

/// A picture on its way to whoever looks at it.
#[derive(Debug)]
pub struct OpenedFile {
    /// What its owner called it.
    pub name: String,
    /// What it is.
    pub media_type: MediaType,
    /// Its bytes.
    pub bytes: ObjectBytes,
}

/// Why a picture cannot be shown now.
#[derive(Debug, thiserror::Error)]
pub enum OpenFileError {
    /// The store failed.
    #[error("the file could not be looked up")]
    Store(#[from] StoreError),
    /// The place where files are kept failed.
    #[error("the file could not be read")]
    Files(#[from] FilesError),
}

impl Uploads {
    /// Puts the service together.
    pub fn new(
        store: Arc<dyn UploadStore>,
        files: Arc<dyn Files>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: UploadSettings,
    ) -> Self {
        Self { store, files, clock, ids, settings }
    }

    /// Takes a picture: reads it to its end, checks and cleans it, and keeps it for its owner to
    /// send. `declared`: what the sender says it is, if they say anything. Nothing of it is left when
    /// this fails; or, when this is dropped or the store fails, when uploads are purged next.
    ///
    /// # Errors
    /// See [`UploadError`].
    pub async fn upload(
        &self,
        owner: &UserId,
        name: &str,
        declared: Option<&str>,
        bytes: &mut dyn Chunks,
    ) -> Result<Attachment, UploadError> {
        let name = tidied_name(name)?;
        let upload = BeginUpload {
            id: self.ids.next().into(),
            owner: owner.clone(),
            name: name.clone(),
            keys: PictureKeys::new(self.ids.next()),
            unsent_max: self.settings.unsent_max,
            at: self.clock.now(),
        };
        if !self.store.begin_upload(&upload).await? {
            return Err(UploadError::TooManyUnsent);
        }
        let picture = match self.files.keep(&upload.keys, declared, bytes).await {
            Ok(picture) => picture,
            Err(error) => {
                self.store.abandon_upload(&upload.id, self.clock.now()).await?;
                return Err(error.into());
            }
        };
        if !self.store.finish_upload(&upload.id, &picture).await? {
            return Err(UploadError::Purged);
        }
        let file = File::kept(&name, KeptPicture { keys: upload.keys, picture })?;
        Ok(Attachment { id: upload.id, file })
    }

    /// A picture that is kept: `viewer` takes part in its conversation, or uploaded it and did not
    /// send it yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn attachment(
        &self,
        id: &AttachmentId,
        viewer: &UserId,
    ) -> Result<Option<Attachment>, StoreError> {
        self.store.attachment(id, viewer).await
    }

    /// Opens a picture for whoever holds a link to it; `None` when it is gone.
    ///
    /// # Errors
    /// See [`OpenFileError`].
    pub async fn open(
        &self,
        id: &AttachmentId,
        form: PictureForm,
    ) -> Result<Option<OpenedFile>, OpenFileError> {
        let Some(file) = self.store.fetchable(id).await? else { return Ok(None) };
        let KeptPicture { keys, picture } = &file.picture;
        let bytes = self.files.read(keys.of(form)).await?;
        let media_type = picture.type_of(form);
        Ok(bytes.map(|bytes| OpenedFile { name: file.name, media_type, bytes }))
    }
}

impl std::fmt::Debug for Uploads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uploads").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
