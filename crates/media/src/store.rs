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

/// Reads to the end, but at most `bytes_max` and one piece.
pub(crate) async fn read(chunks: &mut dyn Chunks, bytes_max: u32) -> Result<Vec<u8>, KeepError> {
    let mut bytes = Vec::new();
    while let Some(piece) = chunks.next().await? {
        if bytes.len() + piece.len() > bytes_max as usize {
            return Err(KeepError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use domain::ports::Interrupted;

    use super::*;

    /// `left` pieces of ten bytes, then possibly an interruption.
    struct Pieces {
        left: u32,
        read: u32,
        breaks: bool,
    }

    #[async_trait]
    impl Chunks for Pieces {
        async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
            if self.left == 0 {
                return if self.breaks { Err(Interrupted) } else { Ok(None) };
            }
            self.left -= 1;
            self.read += 1;
            Ok(Some(vec![7; 10]))
        }
    }

    #[tokio::test]
    async fn nothing_is_read_beyond_the_bound() {
        let mut endless = Pieces { left: u32::MAX, read: 0, breaks: false };
        assert!(matches!(read(&mut endless, 25).await, Err(KeepError::TooLarge)));
        assert_eq!(endless.read, 3);

        let mut exact = Pieces { left: 3, read: 0, breaks: false };
        assert_eq!(read(&mut exact, 30).await.expect("it fits").len(), 30);
    }

    #[tokio::test]
    async fn an_interruption_is_distinguished_from_an_end() {
        let mut broken = Pieces { left: 1, read: 0, breaks: true };
        assert!(matches!(read(&mut broken, 25).await, Err(KeepError::Interrupted(_))));
    }
}
