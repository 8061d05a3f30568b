use std::time::Duration;

use clap::Args;
use domain::jobs::{ATTEMPTS_MAX, Backoff, worker::WorkerSettings};

use super::value::{Switch, whole};
use crate::jobs::RunnerSettings;

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

    /// Jobs that run at the same time
    #[arg(id = "jobs-at-once-max", long, env = "JOBS_AT_ONCE_MAX", value_name = "1..64",
        default_value = "4", value_parser = whole::<usize>(1, 64))]
    at_once_max: usize,

    /// How long to wait before polling for jobs again
    #[arg(id = "jobs-poll-interval-ms", long, env = "JOBS_POLL_INTERVAL_MS",
        value_name = "10..600000", default_value = "1000",
        value_parser = whole::<u64>(10, 600_000))]
    poll_interval_ms: u64,

    /// How long a job may take before another node runs it again
    #[arg(id = "jobs-lease-ms", long, env = "JOBS_LEASE_MS", value_name = "1000..3600000",
        default_value = "120000", value_parser = whole::<u64>(1_000, 3_600_000))]
    lease_ms: u64,

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
    pub(super) fn lease_ms(&self) -> u64 {
        self.lease_ms
    }

    /// The configuration.
    pub(super) fn configuration(&self, unsent_age_max_ms: u64) -> Jobs {
        let runner = RunnerSettings {
            at_once_max: self.at_once_max,
            poll_interval: Duration::from_millis(self.poll_interval_ms),
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
