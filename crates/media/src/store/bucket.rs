use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    conversation::attachment::{MediaType, ObjectKey},
    ports::{Chunks, Interrupted, KeepError, ObjectBytes},
};
use futures_util::{StreamExt, stream::BoxStream};
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt,
    PutOptions, RetryConfig, WriteMultipart,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey},
    path::Path,
};
use secrecy::ExposeSecret;

use crate::settings::{Bucket, SettingsError};

/// One retry: a person waits for an upload, and deletions are retried by their job.
const RETRIES_MAX: usize = 1;

/// How many parts of an object (5 MB each) are sent at once.
const PARTS_AT_ONCE_MAX: usize = 2;

#[derive(Debug)]
pub(crate) struct BucketStore(AmazonS3);

impl BucketStore {
    pub(crate) fn new(bucket: &Bucket, call_timeout_ms: u64) -> Result<Self, SettingsError> {
        let timeout = Duration::from_millis(call_timeout_ms);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region)
            // Not every S3 service supports bulk deletion.
            .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true")
            .with_virtual_hosted_style_request(!bucket.path_style)
            .with_access_key_id(&bucket.access_key_id)
            .with_secret_access_key(bucket.secret_access_key.expose_secret())
            .with_client_options(
                ClientOptions::new()
                    .with_timeout(timeout)
                    .with_connect_timeout(timeout)
                    .with_allow_http(bucket.http_allowed),
            )
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: RETRIES_MAX,
                retry_timeout: timeout,
            });
        if let Some(endpoint) = &bucket.endpoint {
            if !endpoint.starts_with("https://") && !bucket.http_allowed {
                return Err(SettingsError::BucketWithoutTls);
            }
            builder = builder.with_endpoint(endpoint);
        }
        builder.build().map(Self).map_err(|error| SettingsError::Bucket(error.into()))
    }

    pub(crate) async fn put(
        &self,
        key: &ObjectKey,
        media_type: MediaType,
        bytes: Bytes,
    ) -> Result<(), Error> {
        let kind = (Attribute::ContentType, media_type.as_str());
        let options =
            PutOptions { attributes: Attributes::from_iter([kind]), ..Default::default() };
        self.0.put_opts(&path(key), bytes.into(), options).await?;
        Ok(())
    }

    /// A multipart upload, with a few parts in memory at a time. The object appears at the end, atomically, also with
    /// concurrent writers; the upload is aborted if `bytes` fail. After a crash its parts remain invisible until a
    /// lifecycle rule of the bucket removes them.
    pub(crate) async fn write(
        &self,
        key: &ObjectKey,
        bytes: &mut dyn Chunks,
    ) -> Result<u64, KeepError> {
        let upload = self.0.put_multipart(&path(key)).await.map_err(failed)?;
        let mut upload = WriteMultipart::new(upload);
        match fill(&mut upload, bytes).await {
            Ok(size_bytes) => {
                // Aborts the upload if it fails.
                upload.finish().await.map_err(failed)?;
                Ok(size_bytes)
            }
            Err(error) => {
                if let Err(failure) = upload.abort().await {
                    tracing::warn!(error = %failure, "an incomplete upload to the bucket could not be aborted");
                }
                Err(error)
            }
        }
    }

    pub(crate) async fn read(&self, key: &ObjectKey) -> Result<Option<ObjectBytes>, Error> {
        match self.0.get(&path(key)).await {
            Ok(found) => {
                let size_bytes = found.meta.size;
                let chunks = Box::new(Pieces(found.into_stream()));
                Ok(Some(ObjectBytes { size_bytes, chunks }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn delete(&self, key: &ObjectKey) -> Result<(), Error> {
        match self.0.delete(&path(key)).await {
            Err(Error::NotFound { .. }) => Ok(()),
            outcome => outcome,
        }
    }
}

async fn fill(upload: &mut WriteMultipart, bytes: &mut dyn Chunks) -> Result<u64, KeepError> {
    let mut size_bytes = 0;
    while let Some(piece) = bytes.next().await? {
        upload.wait_for_capacity(PARTS_AT_ONCE_MAX).await.map_err(failed)?;
        upload.write(&piece);
        size_bytes += piece.len() as u64;
    }
    Ok(size_bytes)
}

fn failed(error: Error) -> KeepError {
    KeepError::Failed(error.into())
}

fn path(key: &ObjectKey) -> Path {
    Path::from(key.as_str())
}

struct Pieces(BoxStream<'static, object_store::Result<Bytes>>);

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        loop {
            match self.0.next().await {
                None => return Ok(None),
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => return Ok(Some(piece.into())),
                Some(Err(error)) => {
                    tracing::warn!(error = %error, "a stored file could not be read to its end");
                    return Err(Interrupted);
                }
            }
        }
    }
}
