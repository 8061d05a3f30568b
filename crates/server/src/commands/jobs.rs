//! `jobs list` and `jobs retry`.

use std::fmt::Write as _;

use domain::{
    jobs::{JobView, store::JobStore as _},
    ports::{Clock as _, StoreError},
};
use storage_pg::PgStore;

use crate::{
    cli::{JobsVerb, ListJobs, RetryJobs},
    database,
    error::RunError,
    ports::SystemClock,
    settings::Config,
};

const HEAD: &str = "id\tkind\tsubject\tattempts\tcreated\tstate\tlast failure\n";

/// Returns the output.
pub(crate) async fn perform(verb: &JobsVerb, config: &Config) -> Result<String, RunError> {
    database::prepare(&config.database).await?;
    let store = PgStore::new(&config.database.store)?;
    match verb {
        JobsVerb::List(args) => list(&store, args).await,
        JobsVerb::Retry(args) => retry(&store, args).await,
    }
    .map_err(RunError::Jobs)
}

async fn list(store: &PgStore, args: &ListJobs) -> Result<String, StoreError> {
    let jobs = store.jobs(args.filter(), args.limit).await?;
    let counts = store.job_counts().await?;
    let mut lines = HEAD.to_owned();
    lines.extend(jobs.iter().map(line));
    let _infallible = writeln!(lines, "{} waiting, {} dead", counts.waiting, counts.dead);
    Ok(lines)
}

async fn retry(store: &PgStore, args: &RetryJobs) -> Result<String, StoreError> {
    let retried = store.retry_dead_jobs(args.id.clone(), SystemClock.now()).await?;
    Ok(format!("{retried} tried again\n"))
}

fn line(job: &JobView) -> String {
    let state = match job.dead_at {
        Some(since) => format!("dead since {since}"),
        None => format!("due {}", job.run_at),
    };
    let failure = job.last_failure.as_deref().unwrap_or("-");
    let JobView { id, task, attempts, created_at, .. } = job;
    let (kind, subject) = (task.kind(), subject_text(task.subject()));
    format!("{id}\t{kind}\t{subject}\t{attempts}\t{created_at}\t{state}\t{failure}\n")
}

/// A subject, or `-`, so that no column is empty.
fn subject_text(subject: &str) -> &str {
    if subject.is_empty() { "-" } else { subject }
}

#[cfg(test)]
mod tests {
    use domain::{ids::JobId, jobs::Task, time::Timestamp};

    use super::*;

    fn job(dead_at: Option<Timestamp>) -> JobView {
        JobView {
            id: JobId::parse("j-1").expect("good"),
            task: Task::PurgeUploads,
            attempts: 3,
            created_at: Timestamp::UNIX_EPOCH,
            run_at: Timestamp::from_millis(1_000).expect("in range"),
            dead_at,
            last_failure: Some("files_away".to_owned()),
        }
    }

    #[test]
    fn a_job_is_a_line_with_a_column_for_each_thing() {
        let waiting = line(&job(None));
        assert_eq!(
            waiting,
            "j-1\tpurge_uploads\t-\t3\t1970-01-01T00:00:00.000Z\tdue 1970-01-01T00:00:01.000Z\tfiles_away\n"
        );
        let dead = line(&job(Timestamp::from_millis(2_000)));
        assert!(dead.contains("\tdead since 1970-01-01T00:00:02.000Z\t"), "{dead}");
        assert_eq!(waiting.matches('\t').count(), HEAD.matches('\t').count());
    }
}
