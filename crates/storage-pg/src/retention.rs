//! How long things are kept, and letting them go.

mod ages;
mod change;
mod log;
mod policy;

use async_trait::async_trait;
use domain::{
    conversation::{Status, event::Event},
    ids::{ConversationId, UserId},
    jobs::Task,
    ports::StoreError,
    retention::{
        RetentionPolicy, SalonRetention,
        store::{
            AgePage, ArchiveForAge, PurgeExpired, Purged, RetentionStore, TrimBatch, TrimProgress,
            Usage,
        },
    },
    time::Timestamp,
};

use crate::{
    job,
    store::{PgStore, to_its_end, with_retry},
};

#[async_trait]
impl RetentionStore for PgStore {
    #[tracing::instrument(name = "db.retention.policy", skip_all)]
    async fn retention_policy(&self) -> Result<Option<RetentionPolicy>, StoreError> {
        with_retry(|| policy::general(self)).await
    }

    #[tracing::instrument(name = "db.retention.put_policy", skip_all)]
    async fn put_retention_policy(
        &self,
        policy: RetentionPolicy,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| policy::put_general(self, policy, at)).await
    }

    #[tracing::instrument(name = "db.retention.salon", skip_all)]
    async fn salon_retention(&self, salon: &UserId) -> Result<Option<SalonRetention>, StoreError> {
        with_retry(|| policy::of_salon(self, salon)).await
    }

    #[tracing::instrument(name = "db.retention.put_salon", skip_all)]
    async fn put_salon_retention(
        &self,
        salon: &UserId,
        retention: SalonRetention,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (store, salon) = (self.clone(), salon.clone());
        to_its_end(move || policy::put_of_salon(store.clone(), salon.clone(), retention, at)).await
    }

    #[tracing::instrument(name = "db.retention.drop_salon", skip_all)]
    async fn drop_salon_retention(&self, salon: &UserId) -> Result<bool, StoreError> {
        with_retry(|| policy::drop_of_salon(self, salon)).await
    }

    #[tracing::instrument(
        name = "db.retention.hold", skip_all, fields(conversation.id = %conversation)
    )]
    async fn hold_conversation(
        &self,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (store, id) = (self.clone(), conversation.clone());
        to_its_end(move || policy::hold(store.clone(), id.clone(), at)).await
    }

    #[tracing::instrument(
        name = "db.retention.release", skip_all, fields(conversation.id = %conversation)
    )]
    async fn release_conversation(
        &self,
        conversation: &ConversationId,
    ) -> Result<bool, StoreError> {
        with_retry(|| policy::release(self, conversation)).await
    }

    #[tracing::instrument(name = "db.retention.ages", skip_all)]
    async fn ages(
        &self,
        status: Status,
        after: Option<ConversationId>,
        quiet_since: Timestamp,
        limit: u32,
    ) -> Result<AgePage, StoreError> {
        with_retry(|| ages::page(self, status, after.as_ref(), quiet_since, limit)).await
    }

    #[tracing::instrument(
        name = "db.retention.archive", skip_all, fields(conversation.id = %archive.conversation)
    )]
    async fn archive_for_age(&self, archive: &ArchiveForAge) -> Result<Vec<Event>, StoreError> {
        with_retry(|| change::archive(self, archive)).await
    }

    #[tracing::instrument(
        name = "db.retention.empty", skip_all, fields(conversation.id = %empty.conversation)
    )]
    async fn empty_aged(&self, empty: &PurgeExpired) -> Result<Purged, StoreError> {
        let (store, empty) = (self.clone(), empty.clone());
        to_its_end(move || change::empty(store.clone(), empty.clone())).await
    }

    #[tracing::instrument(name = "db.retention.weigh", skip_all)]
    async fn measure(&self, conversations: &[ConversationId]) -> Result<Usage, StoreError> {
        with_retry(|| ages::measure(self, conversations)).await
    }

    #[tracing::instrument(name = "db.retention.trim", skip_all)]
    async fn trim_logs(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError> {
        with_retry(|| log::trim(self, walk)).await
    }

    #[tracing::instrument(name = "db.retention.count_old", skip_all)]
    async fn count_old_entries(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError> {
        with_retry(|| log::count(self, walk)).await
    }

    #[tracing::instrument(name = "db.retention.go_on", skip_all)]
    async fn enqueue_continuation(&self, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        let enter = || async { job::enter(&mut *self.connection().await?, task, at).await };
        with_retry(enter).await
    }
}
