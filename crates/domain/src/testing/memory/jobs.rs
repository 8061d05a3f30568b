use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    conversation::attachment::{Attachment, PictureKeys, Place},
    ids::JobId,
    jobs::{
        Job, JobView, PURGE_PERIOD_MS, Reason, Task,
        store::{ClaimJobs, JobCounts, JobFilter, JobStore, RetryOrDead},
    },
    ports::StoreError,
    retention::next_daily_run,
    time::Timestamp,
};

/// What is to be done, oldest first.
#[derive(Debug)]
pub(super) struct Jobs {
    waiting: Vec<JobView>,
    entered: u64,
    purge_at: Timestamp,
    /// When the next night's work begins; nobody has looked yet.
    daily_run_at: Option<Timestamp>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { waiting: vec![], entered: 0, purge_at: Timestamp::UNIX_EPOCH, daily_run_at: None }
    }
}

impl Jobs {
    pub(super) fn enter(&mut self, task: Task, at: Timestamp) {
        self.entered += 1;
        let id = format!("job-{}", self.entered);
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

    /// Enters what deletes `files`. Returns how many of them that concerns.
    pub(super) fn delete_files(&mut self, files: &[Attachment], at: Timestamp) -> u64 {
        let mut concerned = 0;
        for file in files {
            match file.file.place() {
                Place::Kept(kept) => self.delete_picture(&kept.keys, at),
                Place::Hosted(hosted) => {
                    let Some(key) = hosted.upload_key() else { continue };
                    self.enter(Task::DeleteHostedFile(key.to_owned()), at);
                }
            }
            concerned += 1;
        }
        concerned
    }

    pub(super) fn delete_picture(&mut self, keys: &PictureKeys, at: Timestamp) {
        self.enter(Task::DeleteObject(keys.full.clone()), at);
        self.enter(Task::DeleteObject(keys.thumbnail.clone()), at);
    }

    /// Enters `task`, unless it waits already.
    fn enter_once(&mut self, task: Task, at: Timestamp) {
        if !self.alive().any(|job| job.task == task) {
            self.enter(task, at);
        }
    }

    /// Enters the nights' work when a night has begun. Returns how much that is.
    fn start_night(&mut self, now: Timestamp) -> u32 {
        if *self.daily_run_at.get_or_insert_with(|| next_daily_run(now)) > now {
            return 0;
        }
        self.daily_run_at = Some(next_daily_run(now));
        let tasks = [Task::ArchiveAged(None), Task::PurgeExpired(None), Task::TrimLog(None)];
        for task in tasks {
            self.enter_once(task, now);
        }
        3
    }

    /// A job that `attempt` is the newest claim of.
    fn held(&self, job: &JobId, attempt: u32) -> Option<usize> {
        self.waiting.iter().position(|known| {
            known.id == *job && known.attempts == attempt && known.dead_at.is_none()
        })
    }

    fn alive(&self) -> impl Iterator<Item = &JobView> {
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
        let jobs = state.jobs.waiting.iter_mut();
        let mut due: Vec<_> =
            jobs.filter(|job| job.dead_at.is_none() && job.run_at <= claim.now).collect();
        due.sort_by_key(|job| job.run_at);
        let claimed = due.into_iter().take(claim.limit as usize).map(|job| {
            job.attempts += 1;
            job.run_at = later(claim.now, claim.lease_ms);
            Job { id: job.id.clone(), task: job.task.clone(), attempt: job.attempts }
        });
        Ok(claimed.collect())
    }

    async fn finish_job(&self, job: &JobId, attempt: u32) -> Result<bool, StoreError> {
        let jobs = &mut self.state()?.jobs;
        let held = jobs.held(job, attempt);
        Ok(held.map(|held| jobs.waiting.remove(held)).is_some())
    }

    async fn set_back_job(
        &self,
        job: &JobId,
        attempt: u32,
        setback: RetryOrDead,
        reason: Reason,
    ) -> Result<bool, StoreError> {
        let jobs = &mut self.state()?.jobs;
        let Some(held) = jobs.held(job, attempt) else { return Ok(false) };
        let job = &mut jobs.waiting[held];
        match setback {
            RetryOrDead::RetryAt(at) => job.run_at = at,
            RetryOrDead::DeadAt(at) => job.dead_at = Some(at),
        }
        job.last_failure = Some(reason.to_owned());
        Ok(true)
    }

    async fn start_due_schedules(&self, now: Timestamp) -> Result<u32, StoreError> {
        let jobs = &mut self.state()?.jobs;
        let mut due = jobs.start_night(now);
        if jobs.purge_at <= now {
            jobs.purge_at = later(now, PURGE_PERIOD_MS);
            jobs.enter_once(Task::PurgeUploads, now);
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
        let waiting = jobs.alive().count();
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
