//! Work that may wait (D14).

mod claim;
mod outcome;
mod schedule;
mod view;

use async_trait::async_trait;
use diesel::sql_types::{Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::JobId,
    jobs::{
        Job, JobView, Reason, Task,
        store::{ClaimJobs, JobCounts, JobFilter, JobStore, RetryOrDead},
    },
    ports::StoreError,
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::PgTimestamp,
    store::{PgStore, with_retry},
};

const ENTER: &str = "SELECT messaging.enter_job($1, $2, $3)";

/// Enters `task`, in the transaction that causes it.
pub(crate) async fn enter(
    connection: &mut AsyncPgConnection,
    task: &Task,
    at: Timestamp,
) -> Result<(), Failure> {
    prepared(ENTER)
        .bind::<Text, _>(task.kind())
        .bind::<Text, _>(task.subject())
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .execute(connection)
        .await?;
    Ok(())
}

#[async_trait]
impl JobStore for PgStore {
    #[tracing::instrument(name = "db.job.claim", skip_all)]
    async fn claim_jobs(&self, claim: &ClaimJobs) -> Result<Vec<Job>, StoreError> {
        with_retry(|| claim::claim(self, claim)).await
    }

    #[tracing::instrument(name = "db.job.finish", skip_all, fields(job.id = %job))]
    async fn finish_job(&self, job: &JobId, attempt: u32) -> Result<bool, StoreError> {
        with_retry(|| outcome::finish(self, job, attempt)).await
    }

    #[tracing::instrument(name = "db.job.set_back", skip_all, fields(job.id = %job))]
    async fn set_back_job(
        &self,
        job: &JobId,
        attempt: u32,
        setback: RetryOrDead,
        reason: Reason,
    ) -> Result<bool, StoreError> {
        with_retry(|| outcome::set_back(self, job, attempt, setback, reason)).await
    }

    #[tracing::instrument(name = "db.job.schedules", skip_all)]
    async fn start_due_schedules(&self, now: Timestamp) -> Result<u32, StoreError> {
        with_retry(|| schedule::start_due(self, now)).await
    }

    #[tracing::instrument(name = "db.job.list", skip_all)]
    async fn jobs(&self, filter: JobFilter, limit: u32) -> Result<Vec<JobView>, StoreError> {
        with_retry(|| view::list(self, filter, limit)).await
    }

    #[tracing::instrument(name = "db.job.count", skip_all)]
    async fn job_counts(&self) -> Result<JobCounts, StoreError> {
        with_retry(|| view::count(self)).await
    }

    #[tracing::instrument(name = "db.job.retry", skip_all)]
    async fn retry_dead_jobs(&self, job: Option<JobId>, now: Timestamp) -> Result<u64, StoreError> {
        with_retry(|| outcome::retry_dead(self, job.as_ref(), now)).await
    }
}
