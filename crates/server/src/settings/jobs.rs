use std::time::Duration;

use clap::Args;
use domain::jobs::{ATTEMPTS_MAX, Backoff, worker::WorkerSettings};

use super::value::{Switch, whole};
use crate::jobs::{AT_ONCE_MIN, RunnerSettings};

/// Background jobs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Jobs")]
pub(crate) struct JobSettings {
    /// Whether this node runs jobs; it enqueues them in any case
    #[arg(
        id = "jobs-run",
        long,
        env = "JOBS_RUN",
        value_name = "SWITCH",
        value_enum,
        default_value = "on"
    )]
    run: Switch,

    /// Jobs that run at the same time: two bookings or erasures, one job about files, the rest mails
    #[arg(id = "jobs-at-once-max", long, env = "JOBS_AT_ONCE_MAX", value_name = "4..64",
        default_value = "8", value_parser = whole::<usize>(AT_ONCE_MIN, 64))]
    at_once_max: usize,

    /// How long to wait before polling for jobs again
    #[arg(id = "jobs-poll-interval-ms", long, env = "JOBS_POLL_INTERVAL_MS",
        value_name = "10..600000", default_value = "1000",
        value_parser = whole::<u64>(10, 600_000))]
    poll_interval_ms: u64,

    /// How long a job is a node's unless it renews that, three times in this time; then another node
    /// runs the job again
    #[arg(id = "jobs-lease-ms", long, env = "JOBS_LEASE_MS", value_name = "1000..3600000",
        default_value = "120000", value_parser = whole::<u64>(1_000, 3_600_000))]
    lease_ms: u64,

    /// How long a job may take; then it is stopped, which counts as a failed attempt
    #[arg(id = "jobs-time-max-ms", long, env = "JOBS_TIME_MAX_MS", value_name = "1000..86400000",
        default_value = "3600000", value_parser = whole::<u64>(1_000, 86_400_000))]
    time_max_ms: u64,

    /// Attempts before a job is dead and needs the operator
    #[arg(id = "jobs-attempts-max", long, env = "JOBS_ATTEMPTS_MAX", value_name = "1..100",
        default_value = "15", value_parser = whole::<u32>(1, ATTEMPTS_MAX.into()))]
    attempts_max: u32,

    /// How long to wait after the first attempt; each further wait is twice as long
    #[arg(id = "jobs-first-retry-ms", long, env = "JOBS_FIRST_RETRY_MS",
        value_name = "10..3600000", default_value = "1000",
        value_parser = whole::<u64>(10, 3_600_000))]
    first_retry_ms: u64,

    /// The longest wait between two attempts
    #[arg(id = "jobs-longest-retry-ms", long, env = "JOBS_LONGEST_RETRY_MS",
        value_name = "10..86400000", default_value = "1800000",
        value_parser = whole::<u64>(10, 86_400_000))]
    longest_retry_ms: u64,
}

/// The configuration of background jobs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jobs {
    /// How this node runs jobs; `None` if it runs none.
    pub(crate) runner: Option<RunnerSettings>,
    /// Their lease and retries.
    pub(crate) worker: WorkerSettings,
}

impl JobSettings {
    pub(super) fn time_max_ms(&self) -> u64 {
        self.time_max_ms
    }

    /// The configuration.
    pub(super) fn configuration(&self, unsent_age_max_ms: u64) -> Jobs {
        let runner = RunnerSettings {
            at_once_max: self.at_once_max,
            poll_interval: Duration::from_millis(self.poll_interval_ms),
            time_max: Duration::from_millis(self.time_max_ms),
        };
        Jobs {
            runner: self.run.is_on().then_some(runner),
            worker: WorkerSettings {
                lease_ms: self.lease_ms,
                backoff: Backoff {
                    first_ms: self.first_retry_ms,
                    longest_ms: self.longest_retry_ms,
                    attempts_max: self.attempts_max,
                },
                unsent_age_max_ms,
            },
        }
    }
}
