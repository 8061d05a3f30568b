//! Images: the `Files` port of `domain`, on a folder or an S3 bucket.
//!
//! An upload is read up to a bound, recognised by its bytes, and sanitized. Only the parts that make up the image are
//! stored: no location, time, camera or comment, and nothing after the image. It is decoded once, which validates it and
//! gives the thumbnail. A photo with an EXIF orientation is rotated and encoded again; every other image keeps its encoded
//! pixels, and animations stay animated.
//!
//! Begin at [`Media`]; `workers` bounds what is done at once, `sanitize` removes metadata, `picture` decodes and encodes, `store` stores the bytes, `hosted`
//! deletes files at the upload service.
//!
//! # Memory
//!
//! All uploads together hold at most [`Settings::upload_bytes_max`], each from its first byte until it is stored. A file is
//! copied once while it is decoded, twice if its end is missing. Decoding needs up to about 10 bytes per pixel (a progressive
//! JPEG), so at most [`Settings::pictures_at_once_max`] × [`Bounds::pixels_max`] × 10 bytes: 1 GB with the defaults, if two
//! people send 50 megapixels at once.
//!
//! # Time
//!
//! The work of a decoder is counted before it runs, by our own walk over the file: pixels × frames of an animation, pixels ×
//! scans of a JPEG. Uploads are fair between people, see `workers`.
#![deny(missing_docs)]
mod hosted;
mod picture;
mod sanitize;
mod settings;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod workers;

use async_trait::async_trait;
use domain::{
    conversation::attachment::{ObjectKey, Picture, PictureKeys},
    ids::UserId,
    ports::{Chunks, Files, FilesError, KeepError, ObjectBytes},
};
use hosted::Hosted;
use picture::{Encoded, Kind, Prepared};
use store::Store;
use workers::Workers;

pub use settings::{
    Bounds, Bucket, Settings, SettingsError, Storage, UPLOADTHING_URL, UploadThing,
};

/// Stores pictures and other files.
#[derive(Debug)]
pub struct Media {
    workers: Workers,
    store: Store,
    hosted: Hosted,
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
        owner: &UserId,
        keys: &PictureKeys,
        declared: Option<&str>,
        bytes: &mut dyn Chunks,
    ) -> Result<Picture, KeepError> {
        let declared = declared.map(Kind::declared).transpose()?.flatten();
        let received = self.workers.read(owner, bytes).await?;
        let (prepared, _held, _place) = self.workers.decode(received, declared).await?;
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
