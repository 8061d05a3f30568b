//! Entering people.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::UserId,
    participant::{Language, Participant},
    time::{Timestamp, Zone},
};
use serde::Serialize;

use crate::{
    failure::{Class, Failure},
    prepared::prepared,
    record::{Columns, PgTimestamp},
    store::PgStore,
};

const NOTE: &str = include_str!("note.sql");

const PUT: &str = include_str!("put.sql");

/// A person as they travel to the database; the fields are the columns.
#[derive(Serialize)]
struct NewPerson<'p> {
    id: &'p str,
    role: &'p str,
    first_name: Option<&'p str>,
    last_name: Option<&'p str>,
    salon_name: Option<&'p str>,
    image: Option<&'p str>,
    email: Option<&'p str>,
    language: Option<&'static str>,
    zone: Option<&'p str>,
}

impl<'p> From<&'p Participant> for NewPerson<'p> {
    fn from(person: &'p Participant) -> Self {
        let profile = &person.profile;
        Self {
            id: person.id.as_str(),
            role: person.role.as_str(),
            first_name: profile.first_name.as_deref(),
            last_name: profile.last_name.as_deref(),
            salon_name: profile.salon_name.as_deref(),
            image: profile.image.as_deref(),
            email: profile.email.as_deref(),
            language: profile.language.map(Language::as_str),
            zone: profile.zone.as_ref().map(Zone::as_str),
        }
    }
}

/// Somebody who was asked to be forgotten.
struct Forgotten(UserId);

impl QueryableByName<Pg> for Forgotten {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.parsed("id", UserId::parse).map(Self)
    }
}

pub(super) async fn note(
    store: &PgStore,
    person: &Participant,
    at: Timestamp,
) -> Result<(), Failure> {
    let person = NewPerson::from(person);
    let mut connection = store.connection().await?;
    prepared(NOTE)
        .bind::<Text, _>(person.id)
        .bind::<Text, _>(person.role)
        .bind::<Nullable<Text>, _>(person.first_name)
        .bind::<Nullable<Text>, _>(person.last_name)
        .bind::<Nullable<Text>, _>(person.salon_name)
        .bind::<Nullable<Text>, _>(person.image)
        .bind::<Nullable<Text>, _>(person.email)
        .bind::<Nullable<Text>, _>(person.language)
        .bind::<Nullable<Text>, _>(person.zone)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

pub(super) async fn put(
    store: &PgStore,
    people: &[Participant],
    at: Timestamp,
) -> Result<Vec<UserId>, Failure> {
    let people: Vec<_> = people.iter().map(NewPerson::from).collect();
    let people = serde_json::to_value(people)
        .map_err(|_| Failure::new(Class::Internal, "people could not be written"))?;
    let mut connection = store.connection().await?;
    let forgotten: Vec<Forgotten> = prepared(PUT)
        .bind::<Jsonb, _>(people)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .load(&mut *connection)
        .await?;
    Ok(forgotten.into_iter().map(|Forgotten(id)| id).collect())
}
