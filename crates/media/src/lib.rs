//! Images: the `Files` port of `domain`, on a folder or an S3 bucket.
//!
//! An upload is read up to a bound, recognised by its bytes, and sanitized. Only the parts that make up the image are
//! stored: no location, time, camera or comment, and nothing after the image. It is decoded once, which validates it and
//! gives the thumbnail. A photo with an EXIF orientation is rotated and encoded again; every other image keeps its encoded
//! pixels, and animations stay animated.
//!
//! Begin at [`Media`]; `sanitize` removes metadata, `picture` decodes and encodes, `store` stores the bytes, `hosted`
//! deletes files at the upload service.
//!
//! # Memory
//!
//! Each upload holds its file, up to [`Bounds::file_bytes_max`], and once more while it is copied, twice if its end is
//! missing. Decoding needs up to about 10 bytes per pixel (a progressive JPEG), so at most
//! [`Settings::pictures_at_once_max`] × [`Bounds::pixels_max`] × 10 bytes: 1 GB with the defaults, if two people send 50
//! megapixels at once.
#![deny(missing_docs)]
mod hosted;
mod picture;
mod sanitize;
mod settings;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    conversation::attachment::{ObjectKey, Picture, PictureKeys},
    ports::{Chunks, Files, FilesError, KeepError, ObjectBytes},
};
use hosted::Hosted;
use picture::{Encoded, Kind, Prepared, prepare};
use sanitize::Fault;
use store::Store;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task,
};

pub use settings::{
    Bounds, Bucket, Settings, SettingsError, Storage, UPLOADTHING_URL, UploadThing,
};

/// Stores pictures and other files.
#[derive(Debug)]
pub struct Media {
    workers: Workers,
    store: Store,
    hosted: Hosted,
    file_bytes_max: u32,
}

impl Media {
    /// Checks the settings, and creates the folder if files are stored in one. Does not use the network.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        if !(100..=600_000).contains(&settings.call_timeout_ms) {
            return Err(SettingsError::Bound("call_timeout_ms"));
        }
        Ok(Self {
            workers: Workers::new(settings)?,
            store: Store::new(settings)?,
            hosted: Hosted::new(settings.uploadthing.as_ref(), settings.call_timeout_ms)?,
            file_bytes_max: settings.bounds.file_bytes_max,
        })
    }

    async fn put(&self, key: &ObjectKey, encoded: Encoded) -> Result<(), KeepError> {
        let media_type = encoded.kind.media_type();
        self.store.put(key, media_type, encoded.bytes.into()).await.map_err(KeepError::Failed)
    }

    /// Stores the picture and its thumbnail, or neither: deletes the first if the second fails.
    async fn put_both(&self, keys: &PictureKeys, prepared: Prepared) -> Result<Picture, KeepError> {
        self.put(&keys.full, prepared.full).await?;
        if let Err(error) = self.put(&keys.thumbnail, prepared.thumbnail).await {
            if let Err(failure) = self.store.delete(&keys.full).await {
                tracing::warn!(error = %failure, "a picture without a thumbnail could not be deleted again");
            }
            return Err(error);
        }
        Ok(prepared.picture)
    }
}

#[async_trait]
impl Files for Media {
    async fn keep(
        &self,
        keys: &PictureKeys,
        declared: Option<&str>,
        bytes: &mut dyn Chunks,
    ) -> Result<Picture, KeepError> {
        let declared = declared.map(Kind::declared).transpose()?.flatten();
        let _permit = self.workers.permit()?;
        let bytes = store::read(bytes, self.file_bytes_max).await?;
        let prepared = self.workers.decode(bytes, declared).await?;
        self.put_both(keys, prepared).await
    }

    async fn write(&self, key: &ObjectKey, bytes: &mut dyn Chunks) -> Result<u64, KeepError> {
        self.store.write(key, bytes).await
    }

    async fn read(&self, key: &ObjectKey) -> Result<Option<ObjectBytes>, FilesError> {
        self.store.read(key).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), FilesError> {
        self.store.delete(key).await
    }

    async fn delete_hosted(&self, upload_key: &str) -> Result<(), FilesError> {
        self.hosted.delete(upload_key).await
    }
}

/// Decodes pictures on blocking threads, a bounded number at once.
#[derive(Debug)]
pub(crate) struct Workers {
    uploads: Semaphore,
    decoders: Arc<Semaphore>,
    bounds: Bounds,
}

impl Workers {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        settings.bounds.check()?;
        let (uploads, pictures) = (settings.uploads_at_once_max, settings.pictures_at_once_max);
        if !(1..=1_024).contains(&uploads) {
            return Err(SettingsError::Bound("uploads_at_once_max"));
        }
        if !(1..=64).contains(&pictures) {
            return Err(SettingsError::Bound("pictures_at_once_max"));
        }
        Ok(Self {
            uploads: Semaphore::new(uploads),
            decoders: Arc::new(Semaphore::new(pictures)),
            bounds: settings.bounds,
        })
    }

    /// A permit for one upload, held from its first byte until it is stored.
    pub(crate) fn permit(&self) -> Result<SemaphorePermit<'_>, KeepError> {
        self.uploads.try_acquire().map_err(|_| KeepError::Busy)
    }

    /// Prepares a file, once a decoder is free.
    pub(crate) async fn decode(
        &self,
        bytes: Vec<u8>,
        declared: Option<Kind>,
    ) -> Result<Prepared, KeepError> {
        let permit = self.decoders.clone().acquire_owned().await.map_err(|_| KeepError::Busy)?;
        let bounds = self.bounds;
        let prepared = task::spawn_blocking(move || {
            // Decoding continues after its caller was dropped, and holds the permit until it ends.
            let _permit = permit;
            prepare(bytes, declared, &bounds)
        });
        match prepared.await {
            Ok(prepared) => Ok(prepared?),
            // A file that makes a decoder panic must not be stored.
            Err(error) if error.is_panic() => {
                tracing::warn!("a picture decoder panicked");
                Err(Fault::Unreadable.into())
            }
            Err(error) => Err(KeepError::Failed(error.into())),
        }
    }
}
