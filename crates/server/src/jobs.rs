//! Runs jobs in the background (D14): a bounded number at once, until the server stops.

use std::{sync::Arc, time::Duration};

use domain::{
    Worker,
    ids::ConversationId,
    jobs::{Job, worker::Performed},
};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout},
};

/// The settings of a [`Runner`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunnerSettings {
    /// How many jobs run at the same time.
    pub(crate) at_once_max: usize,
    /// How long to wait before polling for jobs without a notification.
    pub(crate) poll_interval: Duration,
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
        let (next_check, in_progress) = (Instant::now(), JoinSet::new());
        let worker_loop = WorkerLoop { worker, settings, notifier, next_check, in_progress };
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

/// The loop of one node.
struct WorkerLoop {
    worker: Worker,
    settings: RunnerSettings,
    notifier: JobNotifier,
    /// When due schedules and mail are checked next: once per interval, however many jobs end in
    /// between.
    next_check: Instant,
    in_progress: JoinSet<()>,
}

impl WorkerLoop {
    async fn work(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            self.claim_jobs().await;
            let has_room = self.in_progress.len() < self.settings.at_once_max;
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => break,
                Some(ended) = self.in_progress.join_next() => log_panic(&ended),
                () = self.notifier.0.notified(), if has_room => {}
                () = tokio::time::sleep(self.settings.poll_interval), if has_room => {}
            }
        }
        while let Some(ended) = self.in_progress.join_next().await {
            log_panic(&ended);
        }
    }

    /// Starts as many jobs as there is room for.
    async fn claim_jobs(&mut self) {
        let room = self.settings.at_once_max - self.in_progress.len();
        let Ok(room @ 1..) = u32::try_from(room) else {
            return;
        };
        if Instant::now() >= self.next_check {
            self.schedule_due_work().await;
        }
        match self.worker.claim(room).await {
            Ok(jobs) => jobs.into_iter().for_each(|job| self.begin(job)),
            Err(cause) => tracing::warn!(%cause, "jobs could not be claimed"),
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

    fn begin(&mut self, job: Job) {
        let worker = self.worker.clone();
        self.in_progress.spawn(async move { perform(&worker, job).await });
    }
}

async fn perform(worker: &Worker, job: Job) {
    let (id, kind, attempt) = (job.id.clone(), job.task.kind(), job.attempt);
    match worker.perform(&job).await {
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
            tracing::warn!(%id, kind, attempt, "a job lost its lease: it took too long");
        }
        // Its lease expires, and a node runs it again.
        Err(cause) => {
            tracing::warn!(%id, kind, attempt, %cause, "the outcome of a job could not be stored");
        }
    }
}

fn log_panic(ended: &Result<(), tokio::task::JoinError>) {
    if ended.is_err() {
        tracing::error!("a job panicked; it runs again when its lease has expired");
    }
}
