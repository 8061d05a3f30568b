//! How far an import got.

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Binary, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::import::store::{ImportMark, ImportStep};

use crate::{
    conversation::lock::stored, failure::Failure, prepared::prepared, record::PgTimestamp,
    store::PgStore,
};

const FIND: &str =
    "SELECT mark.source, mark.stage, mark.after, mark.tally FROM messaging.import_mark AS mark";

const SAVE: &str = "
INSERT INTO messaging.import_mark (source, stage, after, tally, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET
    source = excluded.source, stage = excluded.stage, after = excluded.after,
    tally = excluded.tally, at = excluded.at";

/// Afterwards PostgreSQL knows what it holds now, so that the first queries are planned well.
const CLEAR: [&str; 2] = [
    "DELETE FROM messaging.import_mark",
    "ANALYZE messaging.participant, messaging.conversation, messaging.message, messaging.attachment",
];

#[derive(QueryableByName)]
struct MarkRow {
    #[diesel(sql_type = Binary)]
    source: Vec<u8>,
    #[diesel(sql_type = Text)]
    stage: String,
    #[diesel(sql_type = Text)]
    after: String,
    #[diesel(sql_type = Text)]
    tally: String,
}

pub(super) async fn find(store: &PgStore) -> Result<Option<ImportMark>, Failure> {
    let mut connection = store.connection().await?;
    let row: Option<MarkRow> = prepared(FIND).get_result(&mut *connection).await.optional()?;
    row.map(|row| {
        let source = stored("source", row.source.try_into())?;
        Ok(ImportMark { source, stage: row.stage, after: row.after, tally: row.tally })
    })
    .transpose()
}

/// Writes the mark of `step`, within the transaction that makes it true.
pub(super) async fn save(
    connection: &mut AsyncPgConnection,
    mark: &ImportMark,
    step: &ImportStep,
) -> Result<(), Failure> {
    prepared(SAVE)
        .bind::<Binary, _>(mark.source.as_slice())
        .bind::<Text, _>(mark.stage.as_str())
        .bind::<Text, _>(mark.after.as_str())
        .bind::<Text, _>(mark.tally.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(step.at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn clear(store: &PgStore) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    for statement in CLEAR {
        connection.batch_execute(statement).await?;
    }
    Ok(())
}
