//! Runs jobs in the background (D14): a bounded number of each group at once, until the server stops.

use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use domain::{
    Worker,
    ids::ConversationId,
    jobs::{Job, JobGroup, worker::Performed},
    ports::StoreError,
};
use futures_util::FutureExt as _;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, timeout},
};

/// The fewest jobs that may run at the same time: one place is left for mail.
pub(crate) const AT_ONCE_MIN: u64 = 4;
/// How many bookings and erasures run at the same time.
const BOOKINGS_AT_ONCE: usize = 2;
/// How many jobs about files, and daily runs, run at the same time.
const FILES_AT_ONCE: usize = 1;
/// How often a lease is renewed within its time.
const RENEWALS_PER_LEASE: u32 = 3;
/// However short a lease is, it is not renewed more often than so.
const RENEWAL_PAUSE_MIN: Duration = Duration::from_millis(1);
/// How long a job that seems to have lost its lease may take to end by itself: it may just have recorded
/// that it is done.
const END_GRACE: Duration = Duration::from_secs(1);

/// The settings of a [`Runner`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunnerSettings {
    /// How many jobs run at the same time, at least [`AT_ONCE_MIN`].
    pub(crate) at_once_max: usize,
    /// How long to wait before polling for jobs without a notification.
    pub(crate) poll_interval: Duration,
    /// How long a job may take; then it is stopped, and that attempt has failed.
    pub(crate) time_max: Duration,
}

/// Wakes the runner when there may be work. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobNotifier(Arc<Notify>);

impl JobNotifier {
    /// A callback that wakes the runner; it never blocks.
    pub(crate) fn callback(&self) -> Arc<dyn Fn() + Send + Sync> {
        let notify = self.0.clone();
        Arc::new(move || notify.notify_one())
    }
}

/// The background task that runs jobs.
#[derive(Debug)]
pub(crate) struct Runner {
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Runner {
    /// Starts to claim and run jobs.
    pub(crate) fn start(worker: Worker, settings: RunnerSettings, notifier: JobNotifier) -> Self {
        let (stop, stopped) = watch::channel(false);
        let places = Places::new(settings.at_once_max);
        let (next_check, in_progress) = (Instant::now(), JoinSet::new());
        let worker_loop =
            WorkerLoop { worker, settings, notifier, places, next_check, in_progress };
        Self { stop, running: tokio::spawn(worker_loop.work(stopped)) }
    }

    /// Claims no more jobs and waits, at most `limit`, for those in progress. The others are aborted; a node runs them
    /// again when their lease has expired.
    pub(crate) async fn stop(mut self, limit: Duration) {
        self.stop.send_replace(true);
        match timeout(limit, &mut self.running).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("the job runner panicked"),
            Err(_) => {
                self.running.abort();
                tracing::warn!("running jobs were aborted; they run again later");
            }
        }
    }
}

/// How many more jobs of each group may run. Mail has what the other groups leave: a mail server that does
/// not answer holds up its own places and no others.
#[derive(Debug)]
struct Places([(JobGroup, Arc<Semaphore>); JobGroup::ALL.len()]);

impl Places {
    fn new(at_once_max: usize) -> Self {
        let rest = at_once_max.saturating_sub(BOOKINGS_AT_ONCE + FILES_AT_ONCE).max(1);
        Self(JobGroup::ALL.map(|group| {
            let places = match group {
                JobGroup::Bookings => BOOKINGS_AT_ONCE,
                JobGroup::Files => FILES_AT_ONCE,
                JobGroup::Mail => rest,
            };
            (group, Arc::new(Semaphore::new(places)))
        }))
    }

    fn are_all_taken(&self) -> bool {
        self.0.iter().all(|(_, free)| free.available_permits() == 0)
    }
}

/// The loop of one node.
struct WorkerLoop {
    worker: Worker,
    settings: RunnerSettings,
    notifier: JobNotifier,
    places: Places,
    /// When due schedules and mail are checked next: once per interval, however many jobs end in
    /// between.
    next_check: Instant,
    in_progress: JoinSet<()>,
}

impl WorkerLoop {
    async fn work(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            self.claim_jobs().await;
            let has_room = !self.places.are_all_taken();
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => break,
                Some(ended) = self.in_progress.join_next() => log_panic(&ended),
                () = self.notifier.0.notified(), if has_room => {}
                () = sleep(self.settings.poll_interval), if has_room => {}
            }
        }
        while let Some(ended) = self.in_progress.join_next().await {
            log_panic(&ended);
        }
    }

    /// Starts as many jobs as there is room for.
    async fn claim_jobs(&mut self) {
        if self.places.are_all_taken() {
            return;
        }
        if Instant::now() >= self.next_check {
            self.schedule_due_work().await;
        }
        for (group, free) in &self.places.0 {
            let Ok(room @ 1..) = u32::try_from(free.available_permits()) else { continue };
            match self.worker.claim_group(*group, room).await {
                Ok(jobs) => {
                    for job in jobs {
                        let place = Arc::clone(free).try_acquire_owned().ok();
                        begin(&mut self.in_progress, &self.worker, self.settings, job, place);
                    }
                }
                Err(cause) => tracing::warn!(?group, %cause, "jobs could not be claimed"),
            }
        }
    }

    /// Enqueues what is due. A failure here does not keep jobs from running.
    async fn schedule_due_work(&mut self) {
        self.next_check = Instant::now() + self.settings.poll_interval;
        if let Err(cause) = self.worker.start_due_schedules().await {
            tracing::warn!(%cause, "due schedules could not be started");
        }
        match self.worker.decide_due_mail().await {
            Ok(decided) if decided.people == 0 => {}
            // There may be more people than one pass decides about.
            Ok(decided) => {
                if decided.too_old > 0 {
                    let conversations = decided.too_old;
                    tracing::warn!(conversations, "messages are too old for mail and were skipped");
                }
                self.next_check = Instant::now();
                self.notifier.0.notify_one();
            }
            Err(cause) => tracing::warn!(%cause, "mail scheduling failed"),
        }
    }
}

/// Runs `job`, and keeps `place` until it has ended.
fn begin(
    in_progress: &mut JoinSet<()>,
    worker: &Worker,
    settings: RunnerSettings,
    job: Job,
    place: Option<OwnedSemaphorePermit>,
) {
    let worker = worker.clone();
    in_progress.spawn(async move {
        let performed = perform(&worker, &job, settings.time_max).await;
        log_outcome(&job, performed);
        drop(place);
    });
}

/// Performs a job and renews its lease meanwhile. A panic, and a job that takes too long, is a failed
/// attempt.
async fn perform(worker: &Worker, job: &Job, time_max: Duration) -> Result<Performed, StoreError> {
    let mut attempt = pin!(AssertUnwindSafe(worker.perform(job)).catch_unwind());
    let ended = tokio::select! {
        biased;
        ended = &mut attempt => ended,
        () = lease_lost(worker, job) => match timeout(END_GRACE, attempt).await {
            Ok(ended) => ended,
            Err(_) => return Ok(Performed::LeaseLost),
        },
        () = sleep(time_max) => return worker.record_interruption(job, "took_too_long").await,
    };
    let Ok(performed) = ended else {
        tracing::error!(id = %job.id, kind = job.task.kind(), "a job panicked");
        return worker.record_interruption(job, "panicked").await;
    };
    performed
}

/// Renews the lease of a job until another worker has it.
async fn lease_lost(worker: &Worker, job: &Job) {
    let pause = Duration::from_millis(worker.lease_ms()) / RENEWALS_PER_LEASE;
    let pause = pause.max(RENEWAL_PAUSE_MIN);
    loop {
        sleep(pause).await;
        match worker.renew(job).await {
            Ok(true) => {}
            Ok(false) => return,
            // There is time for another attempt, and whoever has the job afterwards is known then.
            Err(cause) => {
                tracing::warn!(id = %job.id, %cause, "the lease of a job could not be renewed");
            }
        }
    }
}

fn log_outcome(job: &Job, performed: Result<Performed, StoreError>) {
    let (id, kind, attempt) = (&job.id, job.task.kind(), job.attempt);
    match performed {
        Ok(Performed::Done) => tracing::debug!(%id, kind, attempt, "a job is done"),
        Ok(Performed::Repaired(conversations)) => {
            let count = conversations.len();
            let conversations = conversations.iter().map(ConversationId::as_str);
            let conversations = conversations.collect::<Vec<_>>().join(" ");
            tracing::warn!(
                %id, kind, count, conversations, "counters of conversations were wrong and are repaired"
            );
        }
        Ok(Performed::Retried(cause)) => {
            tracing::info!(%id, kind, attempt, %cause, "a job is tried again later");
        }
        Ok(Performed::Dead(cause)) => {
            tracing::error!(%id, kind, attempt, %cause, "a job failed for good");
        }
        Ok(Performed::LeaseLost) => {
            tracing::warn!(%id, kind, attempt, "a job lost its lease");
        }
        // Its lease expires, and a node runs it again.
        Err(cause) => {
            tracing::warn!(%id, kind, attempt, %cause, "the outcome of a job could not be stored");
        }
    }
}

/// What runs a job catches its panics, so this is a panic beside it.
fn log_panic(ended: &Result<(), tokio::task::JoinError>) {
    if ended.is_err() {
        tracing::error!(
            "the task of a job panicked; the job runs again when its lease has expired"
        );
    }
}

#[cfg(test)]
mod tests;
