//! Claiming jobs.

use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::{
    jobs::{Job, Task, store::ClaimJobs},
    time::Timestamp,
};

use crate::{
    failure::{Class, Failure},
    prepared::prepared,
    record::{PgTimestamp, Row},
    store::PgStore,
};

const CLAIM: &str = include_str!("claim.sql");

pub(super) async fn claim(store: &PgStore, claim: &ClaimJobs) -> Result<Vec<Job>, Failure> {
    let lease_end = claim.now.as_millis().saturating_add_unsigned(claim.lease_ms);
    let lease_end = Timestamp::from_millis(lease_end)
        .ok_or_else(|| Failure::new(Class::Internal, "the lease ends beyond the calendar"))?;
    let mut connection = store.connection().await?;
    let jobs: Vec<Row<Job>> = prepared(CLAIM)
        .bind::<Timestamptz, _>(PgTimestamp(claim.now))
        .bind::<Timestamptz, _>(PgTimestamp(lease_end))
        .bind::<BigInt, _>(i64::from(claim.limit))
        .bind::<Array<Text>, _>(&Task::KINDS[..])
        .load(&mut *connection)
        .await?;
    Ok(jobs.into_iter().map(|Row(job)| job).collect())
}
