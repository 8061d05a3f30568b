//! Imported people.

use std::{collections::HashSet, sync::Arc};

use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    import::{ImportOutcome, ImportRow, ImportStep, Refusal},
    participant::{Participant, Profile},
    time::Timestamp,
};

use super::{
    FORGOTTEN, accepted, begin, found, here,
    known::{self, Kind, Taken},
};
use crate::{error::Failure, import, query::prepared, row::PgTimestamp, store::PgStore};

/// Stored people, locked, and whether they are as an import left them: every other writer sets the
/// time.
const HERE: &str = "
SELECT person.id::text AS id,
    coalesce(person.updated_at = imported.at, false) AS is_as_imported
FROM messaging.participant AS person
LEFT JOIN messaging.imported AS imported ON imported.kind = 'person' AND imported.id = person.id
WHERE person.id = ANY($1) ORDER BY person.id FOR NO KEY UPDATE OF person";

/// Replaces an entry with the imported one; language and zone are unknown in the source.
const REPLACE: &str = include_str!("people_replace.sql");
/// Keeps an entry and adds missing details.
const GAIN: &str = include_str!("people_gain.sql");

type Page = Arc<[ImportRow<Participant>]>;

pub(super) async fn take(
    store: PgStore,
    page: Page,
    step: ImportStep,
) -> Result<Vec<ImportOutcome>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            begin(connection, &step).await?;
            let here = here(connection, HERE, ids(&page)).await?;
            let known = known::find(connection, Kind::Person, ids(&page)).await?;
            let forgotten = found(connection, FORGOTTEN, ids(&page)).await?;
            let landing = |it: &ImportRow<Participant>| {
                let id = it.value.id.as_str();
                match known.get(id) {
                    _ if forgotten.contains(id) => ImportOutcome::Refused(Refusal::PersonForgotten),
                    Some(known) if known.is(&it.fingerprint) => ImportOutcome::Unchanged,
                    _ if !here.contains_key(id) => ImportOutcome::New,
                    // Somebody without an account in the source: takes no name from an existing
                    // entry.
                    _ if it.value.profile.is_empty() => ImportOutcome::Unchanged,
                    _ => ImportOutcome::Updated,
                }
            };
            let outcomes: Vec<_> = page.iter().map(landing).collect();
            if let Some(progress) = &step.mark {
                let imported = here.iter().filter(|(_, is_as_imported)| **is_as_imported);
                let imported: HashSet<_> = imported.map(|(id, _)| id.as_str()).collect();
                write(connection, &page, &outcomes, &imported, step.at).await?;
                import::save(connection, progress, &step).await?;
            }
            Ok(outcomes)
        })
        .await
}

fn ids(page: &[ImportRow<Participant>]) -> Vec<&str> {
    page.iter().map(|it| it.value.id.as_str()).collect()
}

async fn write(
    connection: &mut AsyncPgConnection,
    page: &[ImportRow<Participant>],
    outcomes: &[ImportOutcome],
    imported: &HashSet<&str>,
    at: Timestamp,
) -> Result<(), Failure> {
    let people: Vec<_> = accepted(page, outcomes).map(|(it, _)| it).collect();
    let (replace, gain): (Vec<&Participant>, Vec<_>) =
        people.iter().map(|it| &it.value).partition(|it| imported.contains(it.id.as_str()));
    for (sql, people) in [(REPLACE, replace), (GAIN, gain)] {
        if !people.is_empty() {
            enter(connection, sql, &people, at).await?;
        }
    }
    let taken: Vec<_> = people
        .iter()
        .map(|it| Taken { id: it.value.id.as_str(), fingerprint: &it.fingerprint, last_seq: None })
        .collect();
    known::remember(connection, Kind::Person, &taken, at).await
}

async fn enter(
    connection: &mut AsyncPgConnection,
    sql: &'static str,
    people: &[&Participant],
    at: Timestamp,
) -> Result<(), Failure> {
    let ids: Vec<_> = people.iter().map(|it| it.id.as_str()).collect();
    let roles: Vec<_> = people.iter().map(|it| it.role.as_str()).collect();
    prepared(sql)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<Text>, _>(roles)
        .bind::<Array<Nullable<Text>>, _>(details(people, |it| &it.first_name))
        .bind::<Array<Nullable<Text>>, _>(details(people, |it| &it.last_name))
        .bind::<Array<Nullable<Text>>, _>(details(people, |it| &it.salon_name))
        .bind::<Array<Nullable<Text>>, _>(details(people, |it| &it.image))
        .bind::<Array<Nullable<Text>>, _>(details(people, |it| &it.email))
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .execute(connection)
        .await?;
    Ok(())
}

fn details<'p>(
    people: &[&'p Participant],
    detail: impl Fn(&'p Profile) -> &'p Option<String>,
) -> Vec<Option<&'p str>> {
    people.iter().map(|it| detail(&it.profile).as_deref()).collect()
}
