//! Letting go of what was uploaded and not sent. Its bytes are deleted by jobs.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{AttachmentId, UserId},
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, PgTimestamp},
    store::PgStore,
};

const ABANDON: &str = concat!(
    "WITH picked AS (SELECT id FROM messaging.upload WHERE id = $2)",
    include_str!("forget.sql"),
);

/// What is being sent at this moment is passed over.
const PURGE: &str = concat!(
    "WITH picked AS (
        SELECT id FROM messaging.upload WHERE begun_at < $2
        ORDER BY begun_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )",
    include_str!("forget.sql"),
);

const ALL_OF: &str = concat!(
    "WITH picked AS (SELECT id FROM messaging.upload WHERE owner_id = $2 ORDER BY id FOR UPDATE)",
    include_str!("forget.sql"),
);

/// How many uploads were let go of.
struct Gone(u64);

impl QueryableByName<Pg> for Gone {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.count("uploads").map(Self)
    }
}

pub(super) async fn abandon(
    store: &PgStore,
    id: &AttachmentId,
    at: Timestamp,
) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    prepared(ABANDON)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Text, _>(id.as_str())
        .execute(&mut *connection)
        .await?;
    Ok(())
}

pub(super) async fn purge(
    store: &PgStore,
    before: Timestamp,
    limit: u32,
    at: Timestamp,
) -> Result<u64, Failure> {
    let mut connection = store.connection().await?;
    let Gone(uploads) = prepared(PURGE)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Timestamptz, _>(PgTimestamp(before))
        .bind::<BigInt, _>(i64::from(limit))
        .get_result(&mut *connection)
        .await?;
    Ok(uploads)
}

/// Lets go of everything that `owner` did not send. Returns how much that was.
pub(crate) async fn forget_all_of(
    connection: &mut AsyncPgConnection,
    owner: &UserId,
    at: Timestamp,
) -> Result<u64, Failure> {
    let Gone(uploads) = prepared(ALL_OF)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Text, _>(owner.as_str())
        .get_result(connection)
        .await?;
    Ok(uploads)
}
