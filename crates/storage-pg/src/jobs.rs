//! The job queue (D14).

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::JobId,
    jobs::{
        Job, JobView, Reason, Task,
        store::{ClaimJobs, JobCounts, JobFilter, JobStore, LEASE_LOST, RetryOrDead},
    },
    ports::StoreError,
    time::Timestamp,
};

use crate::{
    error::Failure,
    query::prepared,
    row::{Columns, FromColumns, PgTimestamp, Row, decode},
    schema::job,
    store::{PgStore, with_retry},
};

const ENQUEUE: &str = "SELECT messaging.enqueue_job($1, $2, $3)";

/// Enqueues `task`, in the transaction of the change that causes it.
pub(crate) async fn enter(
    connection: &mut AsyncPgConnection,
    task: &Task,
    at: Timestamp,
) -> Result<(), Failure> {
    prepared(ENQUEUE)
        .bind::<Text, _>(task.kind())
        .bind::<Text, _>(task.subject())
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .execute(connection)
        .await?;
    Ok(())
}

#[async_trait]
impl JobStore for PgStore {
    #[tracing::instrument(name = "db.job.claim", skip_all)]
    async fn claim_jobs(&self, claim: &ClaimJobs) -> Result<Vec<Job>, StoreError> {
        with_retry(|| self::claim(self, claim)).await
    }

    #[tracing::instrument(name = "db.job.renew", skip_all, fields(job.id = %job))]
    async fn renew_job(
        &self,
        job: &JobId,
        attempt: u32,
        lease_ms: u64,
    ) -> Result<bool, StoreError> {
        with_retry(|| renew(self, job, attempt, lease_ms)).await
    }

    #[tracing::instrument(name = "db.job.finish", skip_all, fields(job.id = %job))]
    async fn finish_job(&self, job: &JobId, attempt: u32) -> Result<bool, StoreError> {
        with_retry(|| finish(self, job, attempt)).await
    }

    #[tracing::instrument(name = "db.job.set_back", skip_all, fields(job.id = %job))]
    async fn fail_job(
        &self,
        job: &JobId,
        attempt: u32,
        setback: RetryOrDead,
        reason: Reason,
    ) -> Result<bool, StoreError> {
        with_retry(|| set_back(self, job, attempt, setback, reason)).await
    }

    #[tracing::instrument(name = "db.job.schedules", skip_all)]
    async fn start_due_schedules(&self, now: Timestamp) -> Result<u32, StoreError> {
        with_retry(|| start_due(self, now)).await
    }

    #[tracing::instrument(name = "db.job.list", skip_all)]
    async fn jobs(&self, filter: JobFilter, limit: u32) -> Result<Vec<JobView>, StoreError> {
        with_retry(|| list(self, filter, limit)).await
    }

    #[tracing::instrument(name = "db.job.count", skip_all)]
    async fn job_counts(&self) -> Result<JobCounts, StoreError> {
        with_retry(|| count(self)).await
    }

    #[tracing::instrument(name = "db.job.retry", skip_all)]
    async fn retry_dead_jobs(&self, job: Option<JobId>, now: Timestamp) -> Result<u64, StoreError> {
        with_retry(|| retry_dead(self, job.as_ref(), now)).await
    }
}

// Claiming jobs.

const CLAIM: &str = include_str!("job/claim.sql");

async fn claim(store: &PgStore, claim: &ClaimJobs) -> Result<Vec<Job>, Failure> {
    let mut connection = store.connection().await?;
    let jobs: Vec<Row<Job>> = prepared(CLAIM)
        .bind::<Timestamptz, _>(PgTimestamp(claim.now))
        .bind::<BigInt, _>(lease_of(claim.lease_ms))
        .bind::<BigInt, _>(i64::from(claim.limit))
        .bind::<Array<Text>, _>(claim.kinds)
        .bind::<Text, _>(LEASE_LOST)
        .load(&mut *connection)
        .await?;
    Ok(jobs.into_iter().map(|Row(job)| job).collect())
}

/// By the clock of the database, as in `job/claim.sql`.
const RENEW: &str = "
UPDATE messaging.job SET leased_until = clock_timestamp() + $3 * interval '1 millisecond'
WHERE id = $1 AND attempts = $2 AND dead_at IS NULL AND leased_until IS NOT NULL";

async fn renew(store: &PgStore, id: &JobId, attempt: u32, lease_ms: u64) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let renewed = prepared(RENEW)
        .bind::<Text, _>(id.as_str())
        .bind::<Integer, _>(counted(attempt))
        .bind::<BigInt, _>(lease_of(lease_ms))
        .execute(&mut *connection)
        .await?;
    Ok(renewed > 0)
}

/// A lease as the statements take it.
fn lease_of(lease_ms: u64) -> i64 {
    i64::try_from(lease_ms).unwrap_or(i64::MAX)
}

// Outcomes of jobs. Only the last claimant may record one.

async fn finish(store: &PgStore, id: &JobId, attempt: u32) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let finished = diesel::delete(job::table.find(id.as_str()))
        .filter(job::attempts.eq(counted(attempt)))
        .filter(job::dead_at.is_null())
        .execute(&mut *connection)
        .await?;
    Ok(finished > 0)
}

async fn set_back(
    store: &PgStore,
    id: &JobId,
    attempt: u32,
    setback: RetryOrDead,
    reason: Reason,
) -> Result<bool, Failure> {
    let (run_at, dead_at) = match setback {
        RetryOrDead::RetryAt(at) => (at, None),
        RetryOrDead::DeadAt(at) => (at, Some(PgTimestamp(at))),
    };
    let mut connection = store.connection().await?;
    let set_back = diesel::update(job::table.find(id.as_str()))
        .filter(job::attempts.eq(counted(attempt)))
        .filter(job::dead_at.is_null())
        .set((
            job::run_at.eq(PgTimestamp(run_at)),
            job::leased_until.eq(None::<PgTimestamp>),
            job::dead_at.eq(dead_at),
            job::last_failure.eq(Some(reason)),
        ))
        .execute(&mut *connection)
        .await?;
    Ok(set_back > 0)
}

async fn retry_dead(store: &PgStore, id: Option<&JobId>, now: Timestamp) -> Result<u64, Failure> {
    let mut dead = diesel::update(job::table).filter(job::dead_at.is_not_null()).into_boxed();
    if let Some(id) = id {
        dead = dead.filter(job::id.eq(id.as_str()));
    }
    let mut connection = store.connection().await?;
    let again = dead
        .set((
            job::run_at.eq(PgTimestamp(now)),
            job::attempts.eq(0),
            job::dead_at.eq(None::<PgTimestamp>),
        ))
        .execute(&mut *connection)
        .await?;
    Ok(u64::try_from(again).unwrap_or(u64::MAX))
}

/// An attempt's number as the column stores it. No job has more attempts than fit.
fn counted(attempt: u32) -> i32 {
    i32::try_from(attempt).unwrap_or(i32::MAX)
}

// Schedules.

const START_DUE: &str = include_str!("job/schedule.sql");

struct Started(u32);

impl QueryableByName<Pg> for Started {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        decode("due", u32::try_from(row.count("due")?)).map(Self)
    }
}

async fn start_due(store: &PgStore, now: Timestamp) -> Result<u32, Failure> {
    let mut connection = store.connection().await?;
    let Started(due) = prepared(START_DUE)
        .bind::<Timestamptz, _>(PgTimestamp(now))
        .get_result(&mut *connection)
        .await?;
    Ok(due)
}

// The job list for the operator.

/// $1: dead letters only; $2: limit; $3: the kinds that this node knows.
const LIST: &str = "
SELECT id, kind, subject, attempts, created_at, dead_at, last_failure,
    date_trunc('milliseconds', coalesce(leased_until, run_at)) AS run_at
FROM messaging.job
WHERE (dead_at IS NOT NULL OR NOT $1) AND kind = ANY ($3)
ORDER BY created_at, id LIMIT $2";

const COUNT: &str = "
SELECT count(*) FILTER (WHERE dead_at IS NULL) AS waiting, count(dead_at) AS dead FROM messaging.job";

struct Counted(JobCounts);

impl QueryableByName<Pg> for Counted {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self(JobCounts { waiting: row.count("waiting")?, dead: row.count("dead")? }))
    }
}

async fn list(store: &PgStore, filter: JobFilter, limit: u32) -> Result<Vec<JobView>, Failure> {
    let mut connection = store.connection().await?;
    let jobs: Vec<Row<JobView>> = prepared(LIST)
        .bind::<Bool, _>(filter == JobFilter::Dead)
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Array<Text>, _>(&Task::KINDS[..])
        .load(&mut *connection)
        .await?;
    Ok(jobs.into_iter().map(|Row(job)| job).collect())
}

async fn count(store: &PgStore) -> Result<JobCounts, Failure> {
    let mut connection = store.connection().await?;
    let Counted(counts) = prepared(COUNT).get_result(&mut *connection).await?;
    Ok(counts)
}

// Rows of jobs.

impl FromColumns for Job {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            id: row.parsed("id", JobId::parse)?,
            task: task(row)?,
            attempt: row.small_count("attempts")?,
            follows_lost_lease: NamedRow::get::<Bool, bool>(row, "follows_lost_lease")?,
        })
    }
}

impl FromColumns for JobView {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            id: row.parsed("id", JobId::parse)?,
            task: task(row)?,
            attempts: row.small_count("attempts")?,
            created_at: row.at("created_at")?,
            run_at: row.at("run_at")?,
            dead_at: row.maybe_at("dead_at")?,
            last_failure: row.maybe_text("last_failure")?,
        })
    }
}

fn task<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Task> {
    decode("subject", Task::parse(&row.text("kind")?, &row.text("subject")?))
}
