//! What became of jobs. Whoever reports must still be the last claimant.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use domain::{
    ids::JobId,
    jobs::{Reason, store::RetryOrDead},
    time::Timestamp,
};

use crate::{failure::Failure, record::PgTimestamp, schema::job, store::PgStore};

pub(super) async fn finish(store: &PgStore, id: &JobId, attempt: u32) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let finished = diesel::delete(job::table.find(id.as_str()))
        .filter(job::attempts.eq(counted(attempt)))
        .filter(job::dead_at.is_null())
        .execute(&mut *connection)
        .await?;
    Ok(finished > 0)
}

pub(super) async fn set_back(
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
            job::dead_at.eq(dead_at),
            job::last_failure.eq(Some(reason)),
        ))
        .execute(&mut *connection)
        .await?;
    Ok(set_back > 0)
}

pub(super) async fn retry_dead(
    store: &PgStore,
    id: Option<&JobId>,
    now: Timestamp,
) -> Result<u64, Failure> {
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

/// An attempt's number as the column holds it. No job has more attempts than fit.
fn counted(attempt: u32) -> i32 {
    i32::try_from(attempt).unwrap_or(i32::MAX)
}
