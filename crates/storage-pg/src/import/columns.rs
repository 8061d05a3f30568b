//! What look-ups bring.

use std::collections::{HashMap, HashSet};

use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Text},
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

#[derive(QueryableByName)]
struct Existing {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Bool)]
    is_as_imported: bool,
}

/// Those of `ids` that `sql` finds here, and whether they are as an import left them.
pub(super) async fn here(
    connection: &mut AsyncPgConnection,
    sql: &'static str,
    ids: Vec<&str>,
) -> Result<HashMap<String, bool>, Failure> {
    let rows: Vec<Existing> = prepared(sql).bind::<Array<Text>, _>(ids).load(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.is_as_imported)).collect())
}

/// Those who were asked to be forgotten.
pub(super) const FORGOTTEN: &str =
    "SELECT erasure.person_id::text AS id FROM messaging.erasure AS erasure
     WHERE erasure.person_id = ANY($1)";

/// Those who are in the directory.
pub(super) const IN_THE_DIRECTORY: &str =
    "SELECT person.id::text AS id FROM messaging.participant AS person WHERE person.id = ANY($1)";
