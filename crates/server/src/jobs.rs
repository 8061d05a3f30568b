//! Work that may wait (D14): done in the background, looked at by operators.

use std::{sync::Arc, time::Duration};

use domain::{
    Worker,
    jobs::{Job, worker::Performed},
};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout},
};

// Takes jobs whose time has come and does them, a bounded number at once.

/// How the work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunnerSettings {
    /// How many jobs are done at the same time.
    pub(crate) at_once_max: usize,
    /// How long to wait before looking for work again that nobody rang for.
    pub(crate) poll_interval: Duration,
}

/// Says that there may be work. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobBell(Arc<Notify>);

impl JobBell {
    /// What rings it; never waits.
    pub(crate) fn rung(&self) -> Arc<dyn Fn() + Send + Sync> {
        let notify = self.0.clone();
        Arc::new(move || notify.notify_one())
    }
}

/// The work going on in the background.
#[derive(Debug)]
pub(crate) struct Runner {
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Runner {
    /// Begins to look for work.
    pub(crate) fn start(worker: Worker, settings: RunnerSettings, bell: JobBell) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (looks_at, under_way) = (Instant::now(), JoinSet::new());
        let shift = WorkerLoop { worker, settings, bell, looks_at, under_way };
        Self { stop, running: tokio::spawn(shift.work(stopped)) }
    }

    /// Takes no more work and waits, no longer than `limit`, for what is under way. What is cut off
    /// then is done again by whoever claims it when its lease has run out.
    pub(crate) async fn stop(mut self, limit: Duration) {
        self.stop.send_replace(true);
        match timeout(limit, &mut self.running).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("the job runner panicked"),
            Err(_) => {
                self.running.abort();
                tracing::warn!("jobs under way were cut off; they are done again later");
            }
        }
    }
}

/// One node's share of the work.
struct WorkerLoop {
    worker: Worker,
    settings: RunnerSettings,
    bell: JobBell,
    /// When schedules and mail are looked at next: once in each interval, however many jobs end
    /// meanwhile.
    looks_at: Instant,
    under_way: JoinSet<()>,
}

impl WorkerLoop {
    async fn work(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            self.take().await;
            let has_room = self.under_way.len() < self.settings.at_once_max;
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => break,
                Some(ended) = self.under_way.join_next() => note(&ended),
                () = self.bell.0.notified(), if has_room => {}
                () = tokio::time::sleep(self.settings.poll_interval), if has_room => {}
            }
        }
        while let Some(ended) = self.under_way.join_next().await {
            note(&ended);
        }
    }

    /// Begins as many jobs as there is room for.
    async fn take(&mut self) {
        let room = self.settings.at_once_max - self.under_way.len();
        let Ok(room @ 1..) = u32::try_from(room) else {
            return;
        };
        if Instant::now() >= self.looks_at {
            self.look_around().await;
        }
        match self.worker.claim(room).await {
            Ok(jobs) => jobs.into_iter().for_each(|job| self.begin(job)),
            Err(cause) => tracing::warn!(%cause, "no jobs could be claimed"),
        }
    }

    /// Makes jobs of what came due. What fails here keeps no job from being done.
    async fn look_around(&mut self) {
        self.looks_at = Instant::now() + self.settings.poll_interval;
        if let Err(cause) = self.worker.start_due_schedules().await {
            tracing::warn!(%cause, "schedules could not be looked at");
        }
        match self.worker.decide_due_mail().await {
            Ok(decided) if decided.people == 0 => {}
            // There may be more of them than were looked at in one go.
            Ok(decided) => {
                if decided.too_old > 0 {
                    let conversations = decided.too_old;
                    tracing::warn!(
                        conversations,
                        "no mail tells of messages that are too old by now"
                    );
                }
                self.looks_at = Instant::now();
                self.bell.0.notify_one();
            }
            Err(cause) => tracing::warn!(%cause, "it could not be decided about mail"),
        }
    }

    fn begin(&mut self, job: Job) {
        let worker = self.worker.clone();
        self.under_way.spawn(async move { perform(&worker, job).await });
    }
}

async fn perform(worker: &Worker, job: Job) {
    let (id, kind, attempt) = (job.id.clone(), job.task.kind(), job.attempt);
    match worker.perform(&job).await {
        Ok(Performed::Done) => tracing::debug!(%id, kind, attempt, "a job is done"),
        Ok(Performed::Retried(cause)) => {
            tracing::info!(%id, kind, attempt, %cause, "a job is tried again later");
        }
        Ok(Performed::Dead(cause)) => {
            tracing::error!(%id, kind, attempt, %cause, "a job was given up");
        }
        Ok(Performed::LeaseLost) => {
            tracing::warn!(%id, kind, attempt, "a job took longer than its lease");
        }
        // Its lease runs out, and somebody does it again.
        Err(cause) => tracing::warn!(%id, kind, attempt, %cause, "a job's end was not noted"),
    }
}

fn note(ended: &Result<(), tokio::task::JoinError>) {
    if ended.is_err() {
        tracing::error!("a job panicked; it is done again when its lease has run out");
    }
}
