//! File storage: a folder or a bucket.

mod bucket;
mod folder;

use std::error::Error;

use bucket::BucketStore;
use bytes::Bytes;
use domain::{
    conversation::attachment::{MediaType, ObjectKey},
    ports::{Chunks, FilesError, KeepError, ObjectBytes},
};
use folder::FolderStore;

use crate::settings::{Settings, SettingsError, Storage};

type Cause = Box<dyn Error + Send + Sync>;

/// File storage.
#[derive(Debug)]
pub(crate) enum Store {
    Folder(FolderStore),
    Bucket(BucketStore),
}

impl Store {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        match &settings.storage {
            Storage::Folder(folder) => Ok(Self::Folder(FolderStore::new(folder)?)),
            Storage::Bucket(bucket) => {
                Ok(Self::Bucket(BucketStore::new(bucket, settings.call_timeout_ms)?))
            }
        }
    }

    /// Stores `bytes` under `key`, completely or not at all.
    pub(crate) async fn put(
        &self,
        key: &ObjectKey,
        media_type: MediaType,
        bytes: Bytes,
    ) -> Result<(), Cause> {
        match self {
            Self::Folder(folder) => folder.put(key, bytes).await.map_err(Cause::from),
            Self::Bucket(bucket) => bucket.put(key, media_type, bytes).await.map_err(Cause::from),
        }
    }

    /// Stores the streamed `bytes` under `key`, completely or not at all.
    pub(crate) async fn write(
        &self,
        key: &ObjectKey,
        bytes: &mut dyn Chunks,
    ) -> Result<u64, KeepError> {
        match self {
            Self::Folder(folder) => folder.write(key, bytes).await,
            Self::Bucket(bucket) => bucket.write(key, bytes).await,
        }
    }

    pub(crate) async fn read(&self, key: &ObjectKey) -> Result<Option<ObjectBytes>, FilesError> {
        match self {
            Self::Folder(folder) => {
                folder.read(key).await.map_err(|error| FilesError::Failed(error.into()))
            }
            Self::Bucket(bucket) => {
                bucket.read(key).await.map_err(|error| FilesError::Failed(error.into()))
            }
        }
    }

    pub(crate) async fn delete(&self, key: &ObjectKey) -> Result<(), FilesError> {
        match self {
            Self::Folder(folder) => {
                folder.delete(key).await.map_err(|error| FilesError::Failed(error.into()))
            }
            Self::Bucket(bucket) => {
                bucket.delete(key).await.map_err(|error| FilesError::Failed(error.into()))
            }
        }
    }
}
