//! Uploads of pictures, and downloads by signed link.

use std::sync::Arc;

use super::{
    attachment::{
        Attachment, File, FileError, MediaType, PictureForm, PictureKeys, StoredPicture,
        tidied_name,
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
    /// The most unsent uploads per person (1 to 1,000).
    pub unsent_max: u32,
}

impl Default for UploadSettings {
    /// Twenty.
    fn default() -> Self {
        Self { unsent_max: 20 }
    }
}

/// Uploads of pictures that are sent later (D16). Cheap to clone.
#[derive(Clone)]
pub struct Uploads {
    store: Arc<dyn UploadStore>,
    files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    settings: UploadSettings,
}

/// Why an upload failed.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The name is not usable.
    #[error(transparent)]
    Name(#[from] FileError),
    /// The person has too many unsent uploads.
    #[error("too many uploads that were not sent")]
    TooManyUnsent,
    /// The file storage did not accept the bytes.
    #[error(transparent)]
    Kept(#[from] KeepError),
    /// The upload took so long that it was purged.
    #[error("the upload took too long")]
    Purged,
    /// The store failed.
    #[error("the upload could not be noted")]
    Store(#[from] StoreError),
}

/// A picture to be downloaded.
#[derive(Debug)]
pub struct OpenedFile {
    /// The file name.
    pub name: String,
    /// Its media type.
    pub media_type: MediaType,
    /// Its bytes.
    pub bytes: ObjectBytes,
}

/// Why a picture cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFileError {
    /// The store failed.
    #[error("the file could not be looked up")]
    Store(#[from] StoreError),
    /// The file storage failed.
    #[error("the file could not be read")]
    Files(#[from] FilesError),
}

impl Uploads {
    /// Creates the service.
    pub fn new(
        store: Arc<dyn UploadStore>,
        files: Arc<dyn Files>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: UploadSettings,
    ) -> Self {
        Self { store, files, clock, ids, settings }
    }

    /// Reads a picture to its end, checks and cleans it, and stores it for its owner to send.
    /// `declared`: the media type given by the sender, if any. After an error nothing is left of
    /// it; after cancellation or a store failure it is removed when uploads are purged next.
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
        let picture = match self.files.keep(owner, &upload.keys, declared, bytes).await {
            Ok(picture) => picture,
            Err(error) => {
                self.store.abandon_upload(&upload.id, self.clock.now()).await?;
                return Err(error.into());
            }
        };
        if !self.store.finish_upload(&upload.id, &picture).await? {
            // The jobs that delete its bytes may have run before there were any.
            for form in [PictureForm::Full, PictureForm::Thumbnail] {
                let deleted = self.files.delete(upload.keys.of(form)).await;
                deleted.map_err(|error| KeepError::Failed(error.into()))?;
            }
            return Err(UploadError::Purged);
        }
        let file = File::stored(&name, StoredPicture { keys: upload.keys, picture })?;
        Ok(Attachment { id: upload.id, file })
    }

    /// A stored picture: `viewer` is a participant of its conversation, or uploaded it and has not
    /// sent it yet.
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

    /// Opens a picture for anybody with a signed link; `None` when it no longer exists.
    ///
    /// # Errors
    /// See [`OpenFileError`].
    pub async fn open(
        &self,
        id: &AttachmentId,
        form: PictureForm,
    ) -> Result<Option<OpenedFile>, OpenFileError> {
        let Some(file) = self.store.downloadable(id).await? else { return Ok(None) };
        let StoredPicture { keys, picture } = &file.picture;
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
mod tests {
    use super::*;
    use crate::{
        conversation::attachment::StorageLocation,
        jobs::store::JobFilter,
        ports::Interrupted,
        testing::{
            MemoryStore,
            fixture::{CountingIds, FixedClock, MemoryFiles, Pieces, user},
        },
    };

    struct Fixture {
        uploads: Uploads,
        store: Arc<MemoryStore>,
        files: Arc<MemoryFiles>,
    }

    fn fixture() -> Fixture {
        let (store, files) = (Arc::new(MemoryStore::new()), Arc::new(MemoryFiles::new()));
        let (clock, ids) = (Arc::new(FixedClock::ticking()), Arc::new(CountingIds::new()));
        let settings = UploadSettings { unsent_max: 2 };
        let uploads = Uploads::new(store.clone(), files.clone(), clock, ids, settings);
        Fixture { uploads, store, files }
    }

    impl Fixture {
        async fn upload(&self, name: &str, mut bytes: Pieces) -> Result<Attachment, UploadError> {
            self.uploads.upload(&user("c1"), name, Some("image/webp"), &mut bytes).await
        }

        /// The number of pending object deletions.
        async fn deletions(&self) -> usize {
            use crate::jobs::store::JobStore;
            let jobs = self.store.jobs(JobFilter::All, 100).await.expect("it works");
            jobs.iter().filter(|job| job.task.kind() == "delete_object").count()
        }
    }

    #[tokio::test]
    async fn a_picture_is_kept_and_shown_in_both_forms() {
        let fixture = fixture();
        let bytes = [&b"picture"[..], &[7; 5_000]].concat();
        let kept = fixture.upload("Léa.webp", Pieces::of(&bytes)).await.expect("a good picture");
        assert_eq!((kept.file.name(), kept.file.size_bytes()), ("Léa.webp", 5_007));
        assert!(matches!(kept.file.location(), StorageLocation::Stored(_)));
        let shown = fixture.uploads.attachment(&kept.id, &user("c1")).await.expect("it works");
        assert_eq!(shown.as_ref(), Some(&kept));
        let hidden = fixture.uploads.attachment(&kept.id, &user("s1")).await.expect("it works");
        assert_eq!(hidden, None);

        for (form, size_bytes) in [(PictureForm::Full, 5_007), (PictureForm::Thumbnail, 1)] {
            let opened = fixture.uploads.open(&kept.id, form).await.expect("it works");
            let mut opened = opened.expect("it is kept");
            assert_eq!((opened.name.as_str(), opened.bytes.size_bytes), ("Léa.webp", size_bytes));
            let mut read = 0;
            while let Some(piece) = opened.bytes.chunks.next().await.expect("it is whole") {
                read += piece.len() as u64;
            }
            assert_eq!(read, size_bytes);
        }
        assert_eq!(fixture.deletions().await, 0);
    }

    #[tokio::test]
    async fn what_is_refused_leaves_nothing_but_its_deletion() {
        let fixture = fixture();
        let refused = fixture.upload("a.webp", Pieces::of(b"<svg>")).await;
        assert!(matches!(refused, Err(UploadError::Kept(KeepError::TypeNotAllowed))));
        let half = Pieces::interrupted_after(b"picture");
        let refused = fixture.upload("a.webp", half).await;
        assert!(matches!(refused, Err(UploadError::Kept(KeepError::Interrupted(Interrupted)))));
        fixture.files.set_broken(true);
        let refused = fixture.upload("a.webp", Pieces::of(b"picture")).await;
        assert!(matches!(refused, Err(UploadError::Kept(KeepError::Failed(_)))));
        assert_eq!(fixture.files.keys().len(), 1, "a broken place keeps a piece");
        assert_eq!(fixture.deletions().await, 6);
        // They do not count against the limit.
        fixture.files.set_broken(false);
        fixture.upload("a.webp", Pieces::of(b"picture")).await.expect("there is room");
    }

    /// Bytes that take their time, while their owner is erased completely.
    struct Slow(Arc<MemoryStore>, Pieces);

    #[async_trait::async_trait]
    impl Chunks for Slow {
        async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
            use crate::privacy::store::ErasureStore;
            let (owner, at) = (user("c1"), crate::time::Timestamp::UNIX_EPOCH);
            self.0.request_erasure(&owner, at).await.expect("it works");
            self.0.finish_erasure(&owner, at).await.expect("it works");
            self.1.next().await
        }
    }

    #[tokio::test]
    async fn nothing_is_left_of_an_upload_whose_owner_is_erased_meanwhile() {
        let fixture = fixture();
        let mut bytes = Slow(fixture.store.clone(), Pieces::of(b"picture"));
        let refused = fixture.uploads.upload(&user("c1"), "a.webp", None, &mut bytes).await;
        assert!(matches!(refused, Err(UploadError::Purged)), "{refused:?}");
        assert_eq!(fixture.files.keys().len(), 0);
    }

    #[tokio::test]
    async fn a_name_that_leads_elsewhere_is_refused_before_anything_is_read() {
        let fixture = fixture();
        for name in ["", "../../etc/passwd", "C:\\a.webp", "\0 \u{200b}"] {
            let refused = fixture.upload(name, Pieces::of(b"picture")).await;
            assert!(matches!(refused, Err(UploadError::Name(_))), "{name:?}");
        }
        assert_eq!((fixture.files.keys().len(), fixture.deletions().await), (0, 0));
    }

    #[tokio::test]
    async fn a_person_with_too_much_unsent_has_to_send_first() {
        let fixture = fixture();
        for _ in 0..2 {
            fixture.upload("a.webp", Pieces::of(b"picture")).await.expect("there is room");
        }
        let refused = fixture.upload("a.webp", Pieces::of(b"picture")).await;
        assert!(matches!(refused, Err(UploadError::TooManyUnsent)));
        assert_eq!(fixture.files.keys().len(), 4);
    }

    #[tokio::test]
    async fn what_is_gone_is_not_there_and_what_is_broken_is_an_error() {
        let fixture = fixture();
        let kept = fixture.upload("a.webp", Pieces::of(b"picture")).await.expect("a good picture");
        fixture.files.set_broken(true);
        let opened = fixture.uploads.open(&kept.id, PictureForm::Full).await;
        assert!(matches!(opened, Err(OpenFileError::Files(_))));
        fixture.store.set_unavailable(true);
        let opened = fixture.uploads.open(&kept.id, PictureForm::Full).await;
        assert!(matches!(opened, Err(OpenFileError::Store(_))));
        fixture.store.set_unavailable(false);
        let nowhere = AttachmentId::parse("nowhere").expect("a good id");
        let opened = fixture.uploads.open(&nowhere, PictureForm::Full).await;
        assert!(opened.expect("the store works").is_none());
    }
}
