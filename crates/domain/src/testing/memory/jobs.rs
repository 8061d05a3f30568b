use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    conversation::attachment::{Attachment, PictureKeys, StorageLocation},
    ids::JobId,
    jobs::{
        Job, JobView, PURGE_PERIOD_MS, Reason, Task,
        store::{ClaimJobs, JobCounts, JobFilter, JobStore, LEASE_LOST, RetryOrDead},
    },
    ports::StoreError,
    retention::next_daily_run,
    time::Timestamp,
};

/// The job queue, oldest first.
#[derive(Debug)]
pub(super) struct Jobs {
    waiting: Vec<JobView>,
    /// When the leases of claimed jobs end, by a clock that no test moves.
    leases: HashMap<JobId, Instant>,
    enqueued: u64,
    purge_at: Timestamp,
    /// When the next daily run starts; `None` before the first look.
    daily_run_at: Option<Timestamp>,
}

impl Default for Jobs {
    fn default() -> Self {
        let leases = HashMap::new();
        Self {
            waiting: vec![],
            leases,
            enqueued: 0,
            purge_at: Timestamp::UNIX_EPOCH,
            daily_run_at: None,
        }
    }
}

impl Jobs {
    pub(super) fn enqueue(&mut self, task: Task, at: Timestamp) {
        self.enqueued += 1;
        let id = format!("job-{}", self.enqueued);
        self.waiting.push(JobView {
            id: JobId::parse(&id).expect("a good id"),
            task,
            attempts: 0,
            created_at: at,
            run_at: at,
            dead_at: None,
            last_failure: None,
        });
    }

    /// Enqueues jobs that delete `files`. Returns how many can be deleted.
    pub(super) fn delete_files(&mut self, files: &[Attachment], at: Timestamp) -> u64 {
        let mut deletable = 0;
        for file in files {
            match file.file.location() {
                StorageLocation::Stored(kept) => self.delete_picture(&kept.keys, at),
                StorageLocation::Hosted(hosted) => {
                    let Some(key) = hosted.upload_key() else { continue };
                    self.enqueue(Task::DeleteHostedFile(key.to_owned()), at);
                }
            }
            deletable += 1;
        }
        deletable
    }

    pub(super) fn delete_picture(&mut self, keys: &PictureKeys, at: Timestamp) {
        self.enqueue(Task::DeleteObject(keys.full.clone()), at);
        self.enqueue(Task::DeleteObject(keys.thumbnail.clone()), at);
    }

    /// Enqueues `task` unless it is waiting.
    fn enqueue_once(&mut self, task: Task, at: Timestamp) {
        if !self.pending().any(|job| job.task == task) {
            self.enqueue(task, at);
        }
    }

    /// Enqueues the jobs of a due daily run. Returns how many.
    fn start_daily_run(&mut self, now: Timestamp) -> u32 {
        if *self.daily_run_at.get_or_insert_with(|| next_daily_run(now)) > now {
            return 0;
        }
        self.daily_run_at = Some(next_daily_run(now));
        let tasks = [
            Task::ArchiveAged(None),
            Task::PurgeExpired(None),
            Task::TrimLog(None),
            Task::AuditConversations(None),
        ];
        for task in tasks {
            self.enqueue_once(task, now);
        }
        4
    }

    /// The job whose newest claim is `attempt`.
    fn claimed_index(&self, job: &JobId, attempt: u32) -> Option<usize> {
        self.waiting.iter().position(|known| {
            known.id == *job && known.attempts == attempt && known.dead_at.is_none()
        })
    }

    fn pending(&self) -> impl Iterator<Item = &JobView> {
        self.waiting.iter().filter(|job| job.dead_at.is_none())
    }
}

fn later(time: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_millis(time.as_millis().saturating_add_unsigned(millis))
        .expect("tests stay within the calendar")
}

#[async_trait]
impl JobStore for MemoryStore {
    async fn claim_jobs(&self, claim: &ClaimJobs) -> Result<Vec<Job>, StoreError> {
        let mut state = self.state()?;
        let Jobs { waiting, leases, .. } = &mut state.jobs;
        let at = Instant::now();
        let is_due = |job: &&mut JobView| {
            job.dead_at.is_none()
                && job.run_at <= claim.now
                && claim.kinds.contains(&job.task.kind())
                && leases.get(&job.id).is_none_or(|end| *end <= at)
        };
        let mut due: Vec<_> = waiting.iter_mut().filter(is_due).collect();
        due.sort_by_key(|job| job.run_at);
        let end = at + Duration::from_millis(claim.lease_ms);
        let claimed = due.into_iter().take(claim.limit as usize).map(|job| {
            job.attempts += 1;
            let follows_lost_lease = leases.insert(job.id.clone(), end).is_some();
            if follows_lost_lease {
                job.last_failure = Some(LEASE_LOST.to_owned());
            }
            let (id, task) = (job.id.clone(), job.task.clone());
            Job { id, task, attempt: job.attempts, follows_lost_lease }
        });
        Ok(claimed.collect())
    }

    async fn renew_job(
        &self,
        job: &JobId,
        attempt: u32,
        lease_ms: u64,
    ) -> Result<bool, StoreError> {
        let jobs = &mut self.state()?.jobs;
        let is_claimed = jobs.claimed_index(job, attempt).is_some();
        if let Some(end) = jobs.leases.get_mut(job).filter(|_| is_claimed) {
            *end = Instant::now() + Duration::from_millis(lease_ms);
        }
        Ok(is_claimed)
    }

    async fn finish_job(&self, job: &JobId, attempt: u32) -> Result<bool, StoreError> {
        let jobs = &mut self.state()?.jobs;
        let claimed_index = jobs.claimed_index(job, attempt);
        if claimed_index.is_some() {
            jobs.leases.remove(job);
        }
        Ok(claimed_index.map(|claimed_index| jobs.waiting.remove(claimed_index)).is_some())
    }

    async fn fail_job(
        &self,
        job: &JobId,
        attempt: u32,
        outcome: RetryOrDead,
        reason: Reason,
    ) -> Result<bool, StoreError> {
        let jobs = &mut self.state()?.jobs;
        let Some(claimed_index) = jobs.claimed_index(job, attempt) else { return Ok(false) };
        jobs.leases.remove(job);
        let job = &mut jobs.waiting[claimed_index];
        match outcome {
            RetryOrDead::RetryAt(at) => job.run_at = at,
            RetryOrDead::DeadAt(at) => job.dead_at = Some(at),
        }
        job.last_failure = Some(reason.to_owned());
        Ok(true)
    }

    async fn start_due_schedules(&self, now: Timestamp) -> Result<u32, StoreError> {
        let jobs = &mut self.state()?.jobs;
        let mut due = jobs.start_daily_run(now);
        if jobs.purge_at <= now {
            jobs.purge_at = later(now, PURGE_PERIOD_MS);
            jobs.enqueue_once(Task::PurgeUploads, now);
            due += 1;
        }
        Ok(due)
    }

    async fn jobs(&self, filter: JobFilter, limit: u32) -> Result<Vec<JobView>, StoreError> {
        let jobs = &self.state()?.jobs;
        let wanted = |job: &&JobView| filter == JobFilter::All || job.dead_at.is_some();
        Ok(jobs.waiting.iter().filter(wanted).take(limit as usize).cloned().collect())
    }

    async fn job_counts(&self) -> Result<JobCounts, StoreError> {
        let jobs = &self.state()?.jobs;
        let waiting = jobs.pending().count();
        Ok(JobCounts { waiting: waiting as u64, dead: (jobs.waiting.len() - waiting) as u64 })
    }

    async fn retry_dead_jobs(&self, job: Option<JobId>, now: Timestamp) -> Result<u64, StoreError> {
        let jobs = &mut self.state()?.jobs;
        let mut retried = 0;
        for known in &mut jobs.waiting {
            if known.dead_at.is_some() && job.as_ref().is_none_or(|job| *job == known.id) {
                (known.dead_at, known.attempts, known.run_at) = (None, 0, now);
                retried += 1;
            }
        }
        Ok(retried)
    }
}
