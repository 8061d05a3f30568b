//! Running jobs.

use std::sync::Arc;

use super::{
    Backoff, Job, JobFailure, JobGroup, Reason, Task,
    store::{ClaimJobs, LEASE_LOST, RetryOrDead},
};
use crate::{
    conversation::{audit::audit_heads, store::AuditedPage},
    ids::{ConversationId, MailId, UserId},
    mail::service::{DueMailCounts, Mailing},
    ports::{Clock, Files, FilesError, Ids, StoreError},
    privacy::store::Exporter,
    retention::sweep::RetentionTask,
    services::Services,
    store::Store,
    time::Timestamp,
};

/// How many uploads are deleted per transaction.
const PURGE_BATCH: u32 = 500;

/// The limits of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// The lease of a claimed job, in milliseconds. Whoever runs it renews the lease meanwhile.
    pub lease_ms: u64,
    /// The waits after failed attempts.
    pub backoff: Backoff,
    /// The age at which an unsent upload is deleted, in milliseconds.
    pub unsent_age_max_ms: u64,
}

impl Default for WorkerSettings {
    /// Two minutes for a lease, a day for an upload.
    fn default() -> Self {
        Self { lease_ms: 120_000, backoff: Backoff::default(), unsent_age_max_ms: 86_400_000 }
    }
}

/// The outcome of a job.
#[derive(Debug)]
pub enum Performed {
    /// It is done.
    Done,
    /// It is done: the counters of these conversations were wrong, and are repaired.
    Repaired(Vec<ConversationId>),
    /// It failed and will be retried.
    Retried(JobFailure),
    /// It failed permanently: a dead letter.
    Dead(JobFailure),
    /// Its lease ended, and another worker has it.
    LeaseLost,
}

/// Runs background jobs (D14). Its owner decides how many run at once. Cheap to clone.
#[derive(Clone)]
pub struct Worker {
    services: Services,
    store: Arc<dyn Store>,
    files: Arc<dyn Files>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    mailing: Option<Mailing>,
    exporter: Option<Arc<dyn Exporter>>,
    settings: WorkerSettings,
}

/// The most people per batch of mail decisions.
const DECIDE_BATCH: u32 = 100;

impl Worker {
    /// Creates a worker.
    pub fn new(
        services: Services,
        store: Arc<dyn Store>,
        files: Arc<dyn Files>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: WorkerSettings,
    ) -> Self {
        Self { services, store, files, clock, ids, mailing: None, exporter: None, settings }
    }

    /// Enables sending mail.
    #[must_use]
    pub fn with_mailing(self, mailing: Mailing) -> Self {
        Self { mailing: Some(mailing), ..self }
    }

    /// Enables data exports.
    #[must_use]
    pub fn with_exporter(self, exporter: Arc<dyn Exporter>) -> Self {
        Self { exporter: Some(exporter), ..self }
    }

    /// Claims at most `limit` due jobs (1 to 1,000) of all groups, to be
    /// [performed](Self::perform) within their lease, or while it is [renewed](Self::renew).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.claim_kinds(&Task::KINDS, limit).await
    }

    /// The same for the jobs of one group.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_group(&self, group: JobGroup, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.claim_kinds(group.kinds(), limit).await
    }

    async fn claim_kinds(
        &self,
        kinds: &'static [&'static str],
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let (now, lease_ms) = (self.clock.now(), self.settings.lease_ms);
        self.store.claim_jobs(&ClaimJobs { now, lease_ms, limit, kinds }).await
    }

    /// Renews the lease of a job that is being performed, to be called several times within
    /// [`lease_ms`](WorkerSettings::lease_ms). `false` when the job is no longer this worker's.
    ///
    /// # Errors
    /// [`StoreError`]; the lease may run on or not.
    pub async fn renew(&self, job: &Job) -> Result<bool, StoreError> {
        self.store.renew_job(&job.id, job.attempt, self.settings.lease_ms).await
    }

    /// The lease of a claimed job, in milliseconds.
    pub fn lease_ms(&self) -> u64 {
        self.settings.lease_ms
    }

    /// Runs a claimed job and records the outcome. A job whose last attempt lost its lease is not
    /// run again: it becomes a dead letter.
    ///
    /// # Errors
    /// [`StoreError`] when the outcome could not be recorded: the job returns when its lease
    /// expires.
    pub async fn perform(&self, job: &Job) -> Result<Performed, StoreError> {
        if job.follows_lost_lease && job.attempt > self.settings.backoff.attempts_max {
            return self.record_failure(job, JobFailure::dead(LEASE_LOST)).await;
        }
        let failure = match self.attempt(&job.task).await {
            Ok(performed) => {
                let has_lease = self.store.finish_job(&job.id, job.attempt).await?;
                // What was repaired is told in any case.
                let is_told = has_lease || matches!(performed, Performed::Repaired(_));
                return Ok(if is_told { performed } else { Performed::LeaseLost });
            }
            Err(failure) => failure,
        };
        self.record_failure(job, failure).await
    }

    /// Records that an attempt ended without an outcome of its own: it panicked, or was stopped. It
    /// is retried like any other failed attempt.
    ///
    /// # Errors
    /// As for [`perform`](Self::perform).
    pub async fn record_interruption(
        &self,
        job: &Job,
        reason: Reason,
    ) -> Result<Performed, StoreError> {
        self.record_failure(job, JobFailure::retry(reason)).await
    }

    async fn record_failure(
        &self,
        job: &Job,
        failure: JobFailure,
    ) -> Result<Performed, StoreError> {
        let failure_outcome = self.failure_outcome(&failure, job.attempt);
        let is_dead = matches!(failure_outcome, RetryOrDead::DeadAt(_));
        if let (Task::HandleAppointmentEvent(event), true) = (&job.task, is_dead) {
            self.services.appointments.give_up_appointment_event(event).await?;
        }
        let reason = failure.reason();
        match self.store.fail_job(&job.id, job.attempt, failure_outcome, reason).await? {
            false => Ok(Performed::LeaseLost),
            true if is_dead => Ok(Performed::Dead(failure)),
            true => Ok(Performed::Retried(failure)),
        }
    }

    /// Enqueues the jobs of due schedules. Returns how many came due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn start_due_schedules(&self) -> Result<u32, StoreError> {
        self.store.start_due_schedules(self.clock.now()).await
    }

    /// Decides about due mail, which is then sent by jobs. Returns the counts: if a whole batch was
    /// decided, there may be more. Does nothing without [mailing](Self::with_mailing).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decide_due_mail(&self) -> Result<DueMailCounts, StoreError> {
        match &self.mailing {
            Some(mailing) => mailing.decide_due(DECIDE_BATCH).await,
            None => Ok(DueMailCounts::default()),
        }
    }

    async fn attempt(&self, task: &Task) -> Result<Performed, JobFailure> {
        let done = match task {
            Task::HandleAppointmentEvent(id) => {
                self.services.appointments.handle_appointment_event(id).await
            }
            Task::DeleteObject(key) => self.files.delete(key).await.map_err(JobFailure::from),
            Task::DeleteHostedFile(key) => self.delete_hosted_file(key).await,
            Task::PurgeUploads => self.purge_uploads().await,
            Task::ErasePerson(person) => self.services.privacy.erase_person(person).await,
            Task::SendMail(mail) => self.send_mail(mail).await,
            Task::ExportPerson(person) => self.export(person).await,
            Task::ArchiveAged(after) => self.run_sweep(RetentionTask::Archive, after.clone()).await,
            Task::PurgeExpired(after) => self.run_sweep(RetentionTask::Purge, after.clone()).await,
            Task::TrimLog(after) => self.run_sweep(RetentionTask::TrimLog, after.clone()).await,
            Task::AuditConversations(after) => return self.audit(after.clone()).await,
        };
        done.map(|()| Performed::Done)
    }

    /// Does one part of the audit; another job continues with the rest.
    async fn audit(&self, after: Option<ConversationId>) -> Result<Performed, JobFailure> {
        let AuditedPage { repaired, next } = audit_heads(&*self.store, after).await?;
        if next.is_some() {
            let rest = Task::AuditConversations(next);
            self.store.enqueue_continuation(&rest, self.clock.now()).await?;
        }
        Ok(if repaired.is_empty() { Performed::Done } else { Performed::Repaired(repaired) })
    }

    /// The sender chose the key, so another message may still show the file.
    async fn delete_hosted_file(&self, key: &str) -> Result<(), JobFailure> {
        if self.store.carries_hosted_file(key).await? {
            return Ok(());
        }
        Ok(self.files.delete_hosted(key).await?)
    }

    async fn send_mail(&self, mail: &MailId) -> Result<(), JobFailure> {
        match &self.mailing {
            Some(mailing) => mailing.send(mail).await,
            None => Err(JobFailure::retry("no_mail_leaves_here")),
        }
    }

    async fn export(&self, person: &UserId) -> Result<(), JobFailure> {
        let Some(exporter) = &self.exporter else {
            return Err(JobFailure::retry("nothing_is_exported_here"));
        };
        self.services.privacy.make_export(person, &**exporter, &*self.files).await.map(drop)
    }

    /// Does one part of the retention work; another job continues with the rest.
    async fn run_sweep(
        &self,
        task: RetentionTask,
        after: Option<ConversationId>,
    ) -> Result<(), JobFailure> {
        if let Some(next) = self.services.retention.enforce_retention(task, after).await? {
            self.store.enqueue_continuation(&task.task(Some(next)), self.clock.now()).await?;
        }
        Ok(())
    }

    async fn purge_uploads(&self) -> Result<(), JobFailure> {
        let now = self.clock.now();
        let age_ms = i64::try_from(self.settings.unsent_age_max_ms).unwrap_or(i64::MAX);
        let before = Timestamp::from_millis(now.as_millis().saturating_sub(age_ms));
        let before = before.unwrap_or(Timestamp::UNIX_EPOCH);
        while self.store.purge_uploads(before, PURGE_BATCH, now).await? == u64::from(PURGE_BATCH) {}
        Ok(())
    }

    fn failure_outcome(&self, failure: &JobFailure, attempt: u32) -> RetryOrDead {
        let now = self.clock.now();
        let retry_at = match failure {
            JobFailure::Dead { .. } => None,
            JobFailure::Postponed { until, .. } => Some(*until),
            JobFailure::Retry { .. } => {
                let jitter = self.ids.next().as_u64_pair().1;
                self.settings.backoff.next_attempt_at(attempt, now, jitter)
            }
        };
        retry_at.map_or(RetryOrDead::DeadAt(now), RetryOrDead::RetryAt)
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("settings", &self.settings).finish_non_exhaustive()
    }
}

// Mapping port errors to job failures.

impl From<StoreError> for JobFailure {
    fn from(error: StoreError) -> Self {
        Self::Retry { reason: "store_failed", cause: Some(error.into()) }
    }
}

impl From<FilesError> for JobFailure {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::Failed(_) => {
                Self::Retry { reason: "files_failed", cause: Some(error.into()) }
            }
            // Waits for the operator, who may configure one and retry the job.
            FilesError::NoUploadService => Self::Dead { reason: "no_upload_service" },
        }
    }
}

#[cfg(test)]
mod tests;
