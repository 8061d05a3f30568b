//! What look-ups bring.

use std::collections::HashSet;

use diesel::{
    QueryableByName,
    sql_types::{Array, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{failure::Failure, prepared::prepared};

#[derive(QueryableByName)]
pub(super) struct Id {
    #[diesel(sql_type = Text)]
    pub(super) id: String,
}

/// The ids that `sql` finds among `ids`.
pub(super) async fn found(
    connection: &mut AsyncPgConnection,
    sql: &'static str,
    ids: Vec<&str>,
) -> Result<HashSet<String>, Failure> {
    let rows: Vec<Id> = prepared(sql).bind::<Array<Text>, _>(ids).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Those who were asked to be forgotten.
pub(super) const FORGOTTEN: &str =
    "SELECT person_id::text AS id FROM messaging.erasure WHERE person_id = ANY($1)";

/// Those who are in the directory.
pub(super) const IN_THE_DIRECTORY: &str =
    "SELECT id::text AS id FROM messaging.participant WHERE id = ANY($1)";
