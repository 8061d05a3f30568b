//! People who are taken over.

use std::{collections::HashSet, sync::Arc};

use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    import::Refusal,
    participant::{Participant, Profile},
    ports::{ImportStep, Incoming, Landing},
    time::Timestamp,
};

use super::{
    by_index,
    columns::{FORGOTTEN, IN_THE_DIRECTORY, found},
    known::{self, Kind, Taken},
    let_in, mark,
};
use crate::{failure::Failure, prepared::prepared, record::At, store::PgStore};

/// What is here under the same id becomes what is there; language and zone are not known there.
const REPLACE: &str = include_str!("people_replace.sql");
/// What is here under the same id stays, and gains what was missing.
const GAIN: &str = include_str!("people_gain.sql");

type Page = Arc<[Incoming<Participant>]>;

pub(super) async fn take(
    store: PgStore,
    page: Page,
    step: ImportStep,
) -> Result<Vec<Landing>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            by_index(connection).await?;
            let here = found(connection, IN_THE_DIRECTORY, ids(&page)).await?;
            let known = known::find(connection, Kind::Person, ids(&page)).await?;
            let forgotten = found(connection, FORGOTTEN, ids(&page)).await?;
            let landing = |it: &Incoming<Participant>| {
                let id = it.value.id.as_str();
                match known.get(id) {
                    _ if forgotten.contains(id) => Landing::Refused(Refusal::PersonForgotten),
                    Some(known) if known.is(&it.fingerprint) => Landing::Unchanged,
                    None if !here.contains(id) => Landing::New,
                    _ => Landing::Updated,
                }
            };
            let landings: Vec<_> = page.iter().map(landing).collect();
            if let Some(progress) = &step.mark {
                let strangers = |id: &str| here.contains(id) && !known.contains_key(id);
                let gaining: HashSet<_> =
                    ids(&page).into_iter().filter(|id| strangers(id)).collect();
                write(connection, &page, &landings, &gaining, step.at).await?;
                mark::save(connection, progress, &step).await?;
            }
            Ok(landings)
        })
        .await
}

fn ids(page: &[Incoming<Participant>]) -> Vec<&str> {
    page.iter().map(|it| it.value.id.as_str()).collect()
}

async fn write(
    connection: &mut AsyncPgConnection,
    page: &[Incoming<Participant>],
    landings: &[Landing],
    gaining: &HashSet<&str>,
    at: Timestamp,
) -> Result<(), Failure> {
    let people: Vec<_> = let_in(page, landings).map(|(it, _)| it).collect();
    let (gain, replace): (Vec<&Participant>, Vec<_>) =
        people.iter().map(|it| &it.value).partition(|it| gaining.contains(it.id.as_str()));
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
        .bind::<Timestamptz, _>(At(at))
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
