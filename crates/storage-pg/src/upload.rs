//! Files on their way to a message (D16).

mod begin;
mod find;
mod forget;

use async_trait::async_trait;
use domain::{
    conversation::{
        attachment::{Attachment, Picture},
        store::{BeginUpload, Downloadable, UploadStore},
    },
    ids::{AttachmentId, UserId},
    ports::StoreError,
    time::Timestamp,
};

pub(crate) use forget::forget_all_of;

use crate::store::{PgStore, with_retry};

#[async_trait]
impl UploadStore for PgStore {
    #[tracing::instrument(name = "db.upload.begin", skip_all, fields(attachment.id = %upload.id))]
    async fn begin_upload(&self, upload: &BeginUpload) -> Result<bool, StoreError> {
        with_retry(|| begin::begin(self, upload)).await
    }

    #[tracing::instrument(name = "db.upload.finish", skip_all, fields(attachment.id = %id))]
    async fn finish_upload(
        &self,
        id: &AttachmentId,
        picture: &Picture,
    ) -> Result<bool, StoreError> {
        with_retry(|| begin::finish(self, id, picture)).await
    }

    #[tracing::instrument(name = "db.upload.abandon", skip_all, fields(attachment.id = %id))]
    async fn abandon_upload(&self, id: &AttachmentId, at: Timestamp) -> Result<(), StoreError> {
        with_retry(|| forget::abandon(self, id, at)).await
    }

    #[tracing::instrument(name = "db.upload.purge", skip_all)]
    async fn purge_uploads(
        &self,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        with_retry(|| forget::purge(self, before, limit, at)).await
    }

    #[tracing::instrument(name = "db.attachment.find", skip_all, fields(attachment.id = %id))]
    async fn attachment(
        &self,
        id: &AttachmentId,
        viewer: &UserId,
    ) -> Result<Option<Attachment>, StoreError> {
        with_retry(|| find::find_attachment(self, id, viewer)).await
    }

    #[tracing::instrument(name = "db.attachment.fetchable", skip_all, fields(attachment.id = %id))]
    async fn fetchable(&self, id: &AttachmentId) -> Result<Option<Downloadable>, StoreError> {
        with_retry(|| find::fetchable(self, id)).await
    }

    #[tracing::instrument(name = "db.attachment.hosted", skip_all)]
    async fn carries_hosted_file(&self, upload_key: &str) -> Result<bool, StoreError> {
        with_retry(|| find::carries_hosted(self, upload_key)).await
    }
}
