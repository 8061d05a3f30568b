//! Forgetting the beginnings of logs.

use diesel::{
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::ConversationId,
    retention::store::{TrimBatch, TrimProgress},
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, FromColumns, PgTimestamp, Row},
    store::PgStore,
};

/// In order, so that what is left of each log has no gap.
const TRIM: &str = concat!(
    include_str!("old.sql"),
    "    ORDER BY e.conversation_id, e.seq LIMIT $4
), gone AS (
    DELETE FROM messaging.event AS e USING old
    WHERE e.conversation_id = old.conversation_id AND e.seq = old.seq
    RETURNING e.seq
)
SELECT (SELECT count(*) FROM gone) AS entries, (SELECT max(id) FROM walked) AS next_id",
);

const COUNT: &str = concat!(
    include_str!("old.sql"),
    ")
SELECT (SELECT count(*) FROM old) AS entries, (SELECT max(id) FROM walked) AS next_id",
);

pub(super) async fn trim(store: &PgStore, walk: &TrimBatch) -> Result<TrimProgress, Failure> {
    let mut connection = store.connection().await?;
    let Row(walked) = prepared(TRIM)
        .bind::<Text, _>(walk.after.as_ref().map_or("", ConversationId::as_str))
        .bind::<BigInt, _>(i64::from(walk.conversations_max))
        .bind::<Timestamptz, _>(PgTimestamp(walk.before))
        .bind::<BigInt, _>(i64::from(walk.entries_max))
        .get_result(&mut *connection)
        .await?;
    Ok(walked)
}

pub(super) async fn count(store: &PgStore, walk: &TrimBatch) -> Result<TrimProgress, Failure> {
    let mut connection = store.connection().await?;
    let Row(walked) = prepared(COUNT)
        .bind::<Text, _>(walk.after.as_ref().map_or("", ConversationId::as_str))
        .bind::<BigInt, _>(i64::from(walk.conversations_max))
        .bind::<Timestamptz, _>(PgTimestamp(walk.before))
        .get_result(&mut *connection)
        .await?;
    Ok(walked)
}

impl FromColumns for TrimProgress {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let next = row.maybe_parsed("next_id", ConversationId::parse)?;
        Ok(Self { entries: row.count("entries")?, next })
    }
}
