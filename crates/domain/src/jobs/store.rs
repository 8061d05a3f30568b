//! The queue of jobs, as a store keeps it.

use async_trait::async_trait;

use super::{Job, JobView, Reason};
use crate::{ids::JobId, ports::StoreError, time::Timestamp};

/// A wish for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimJobs {
    /// The present moment.
    pub now: Timestamp,
    /// How long nobody else may have them, in milliseconds.
    pub lease_ms: u64,
    /// How many (1 to 1,000).
    pub limit: u32,
}

/// What becomes of a job whose attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryOrDead {
    /// It is tried again then.
    RetryAt(Timestamp),
    /// It is given up at this moment: a dead letter, for the operator.
    DeadAt(Timestamp),
}

/// Which jobs an operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobFilter {
    /// All of them.
    All,
    /// Those given up.
    Dead,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Jobs that may be done or are being done.
    pub waiting: u64,
    /// Jobs given up.
    pub dead: u64,
}

/// Work that may wait (D14). Jobs are entered by the change that causes them, in its transaction; a
/// job that is done is gone.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Claims jobs whose time has come, the longest waiting first, skipping those that somebody else
    /// claims at the same moment. Each claim counts as an attempt.
    async fn claim_jobs(&self, claim: &ClaimJobs) -> Result<Vec<Job>, StoreError>;

    /// A job is done. `false`, and nothing is changed, when somebody else claimed it since.
    async fn finish_job(&self, job: &JobId, attempt: u32) -> Result<bool, StoreError>;

    /// A job failed. `false`, and nothing is changed, when somebody else claimed it since.
    async fn set_back_job(
        &self,
        job: &JobId,
        attempt: u32,
        setback: RetryOrDead,
        reason: Reason,
    ) -> Result<bool, StoreError>;

    /// Enters the work of every schedule whose time has come, once for all nodes, and sets its next
    /// time, a period from `now`. Work of a schedule that still waits is not entered again. Returns
    /// how many came due. In a new store every schedule is due at once. There is one:
    /// [`PurgeUploads`](super::Task::PurgeUploads) each
    /// [`PURGE_PERIOD_MS`](super::PURGE_PERIOD_MS).
    ///
    /// Besides, there is the work of each [daily run](crate::retention::next_daily_run), the coming one first:
    /// [`ArchiveAged`](super::Task::ArchiveAged), [`PurgeExpired`](super::Task::PurgeExpired)
    /// and [`TrimLog`](super::Task::TrimLog), each from the first conversation on.
    async fn start_due_schedules(&self, now: Timestamp) -> Result<u32, StoreError>;

    /// Jobs, oldest first, at most `limit` (1 to 1,000).
    async fn jobs(&self, filter: JobFilter, limit: u32) -> Result<Vec<JobView>, StoreError>;

    /// How many there are.
    async fn job_counts(&self) -> Result<JobCounts, StoreError>;

    /// Gives a dead letter all its attempts again, from `now` on; `None` means each of them. Returns
    /// how many there were.
    async fn retry_dead_jobs(&self, job: Option<JobId>, now: Timestamp) -> Result<u64, StoreError>;
}
