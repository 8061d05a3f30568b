//! Jobs as the operator sees them.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Bool, Text},
};
use diesel_async::RunQueryDsl;
use domain::jobs::{
    JobView, Task,
    store::{JobCounts, JobFilter},
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, Row},
    store::PgStore,
};

/// $1 whether only dead letters are asked for, $2 at most so many, $3 the kinds that this node knows.
const LIST: &str = "
SELECT id, kind, subject, attempts, created_at, run_at, dead_at, last_failure FROM messaging.job
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

pub(super) async fn list(
    store: &PgStore,
    filter: JobFilter,
    limit: u32,
) -> Result<Vec<JobView>, Failure> {
    let mut connection = store.connection().await?;
    let jobs: Vec<Row<JobView>> = prepared(LIST)
        .bind::<Bool, _>(filter == JobFilter::Dead)
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Array<Text>, _>(&Task::KINDS[..])
        .load(&mut *connection)
        .await?;
    Ok(jobs.into_iter().map(|Row(job)| job).collect())
}

pub(super) async fn count(store: &PgStore) -> Result<JobCounts, Failure> {
    let mut connection = store.connection().await?;
    let Counted(counts) = prepared(COUNT).get_result(&mut *connection).await?;
    Ok(counts)
}
