//! The store port of the job queue.

use async_trait::async_trait;

use super::{Job, JobView, Reason};
use crate::{ids::JobId, ports::StoreError, time::Timestamp};

/// Recorded for an attempt whose lease ended without an outcome.
pub const LEASE_LOST: Reason = "lease_lost";

/// A request for jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimJobs {
    /// The current time: what is to run until then is due.
    pub now: Timestamp,
    /// The lease, in milliseconds from the claim, by the clock of the store: the clocks of nodes may
    /// differ by more than a lease.
    pub lease_ms: u64,
    /// The most jobs (1 to 1,000).
    pub limit: u32,
    /// The [kinds](super::Task::kind) of jobs.
    pub kinds: &'static [&'static str],
}

/// What happens to a job whose attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryOrDead {
    /// It is retried then.
    RetryAt(Timestamp),
    /// It becomes a dead letter then, for the operator.
    DeadAt(Timestamp),
}

/// A filter of the job list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobFilter {
    /// All jobs.
    All,
    /// Dead letters.
    Dead,
}

/// The size of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Jobs that may run or are running.
    pub waiting: u64,
    /// Dead letters.
    pub dead: u64,
}

/// The job queue (D14). A job is enqueued by the change that causes it, in its transaction, and
/// deleted when done.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Claims due jobs, longest waiting first, skipping those that others claim at the same time.
    /// Each claim counts as an attempt. While its lease runs, a job is not due; when it has ended
    /// without an outcome, [`LEASE_LOST`] is recorded as the failure of that attempt.
    async fn claim_jobs(&self, claim: &ClaimJobs) -> Result<Vec<Job>, StoreError>;

    /// Renews the lease of a claimed job: `lease_ms` from now, by the clock of the store. `false`,
    /// without a change, when another worker has claimed the job since, or it is done.
    async fn renew_job(&self, job: &JobId, attempt: u32, lease_ms: u64)
    -> Result<bool, StoreError>;

    /// Deletes a finished job. `false`, without a change, when another worker has claimed it since.
    async fn finish_job(&self, job: &JobId, attempt: u32) -> Result<bool, StoreError>;

    /// Records a failed attempt. `false`, without a change, when another worker has claimed it
    /// since.
    async fn fail_job(
        &self,
        job: &JobId,
        attempt: u32,
        outcome: RetryOrDead,
        reason: Reason,
    ) -> Result<bool, StoreError>;

    /// Enqueues the job of every due schedule, once for all nodes, and sets its next time, a period
    /// from `now`. The job of a schedule is not enqueued again while it waits. Returns how many
    /// came due. In a new store every schedule is due at once. There is one:
    /// [`PurgeUploads`](super::Task::PurgeUploads) every
    /// [`PURGE_PERIOD_MS`](super::PURGE_PERIOD_MS).
    ///
    /// Beside it there are the jobs of each [daily run](crate::retention::next_daily_run), starting
    /// with the next one: [`ArchiveAged`](super::Task::ArchiveAged),
    /// [`PurgeExpired`](super::Task::PurgeExpired), [`TrimLog`](super::Task::TrimLog) and
    /// [`AuditConversations`](super::Task::AuditConversations), each from the first conversation on.
    async fn start_due_schedules(&self, now: Timestamp) -> Result<u32, StoreError>;

    /// Jobs, oldest first, at most `limit` (1 to 1,000).
    async fn jobs(&self, filter: JobFilter, limit: u32) -> Result<Vec<JobView>, StoreError>;

    /// The size of the queue.
    async fn job_counts(&self) -> Result<JobCounts, StoreError>;

    /// Gives a dead letter all its attempts again, from `now` on; `None` means all dead letters.
    /// Returns how many there were.
    async fn retry_dead_jobs(&self, job: Option<JobId>, now: Timestamp) -> Result<u64, StoreError>;
}
