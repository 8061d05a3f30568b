//! The directory of people.

use async_trait::async_trait;
use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::UserId,
    participant::{
        Language, Participant,
        store::{ParticipantStore, ParticipantWithPartners},
    },
    ports::StoreError,
    time::{Timestamp, Zone},
};
use serde::Serialize;

use crate::{
    error::{Class, Failure},
    query::prepared,
    row::{Columns, PgTimestamp, Row, decode, participant},
    store::{PgStore, with_retry},
};

const FIND: &str = "
SELECT id, role, first_name, last_name, salon_name, image, email, language, zone, is_forgotten
FROM messaging.participant
WHERE id = $1";

const ACQUAINTANCES: &str = include_str!("participant/partners.sql");

/// A person with their partners, as a row.
struct PartnersRow(ParticipantWithPartners);

impl QueryableByName<Pg> for PartnersRow {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let ids = NamedRow::get::<Array<Text>, Vec<String>>(row, "partner_ids")?;
        let partners = ids.iter().map(|id| decode("partner_ids", UserId::parse(id)));
        let (person, partners) = (participant(row, "")?, partners.collect::<Read<_>>()?);
        Ok(Self(ParticipantWithPartners { person, partners }))
    }
}

#[async_trait]
impl ParticipantStore for PgStore {
    #[tracing::instrument(name = "db.participant.find", skip_all)]
    async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError> {
        with_retry(|| find(self, id)).await
    }

    #[tracing::instrument(name = "db.participant.note", skip_all)]
    async fn upsert_participant(
        &self,
        person: &Participant,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| note(self, person, at)).await
    }

    #[tracing::instrument(name = "db.participant.put", skip_all)]
    async fn put_participants(
        &self,
        people: &[Participant],
        at: Timestamp,
    ) -> Result<Vec<UserId>, StoreError> {
        with_retry(|| put(self, people, at)).await
    }

    #[tracing::instrument(name = "db.participant.acquaintances", skip_all)]
    async fn participant_with_partners(
        &self,
        id: &UserId,
        partners_max: u32,
    ) -> Result<Option<ParticipantWithPartners>, StoreError> {
        with_retry(|| partners(self, id, partners_max)).await
    }
}

async fn find(store: &PgStore, id: &UserId) -> Result<Option<Participant>, Failure> {
    find_on(&mut *store.connection().await?, id).await
}

/// The person `id`, over an existing connection.
pub(crate) async fn find_on(
    connection: &mut AsyncPgConnection,
    id: &UserId,
) -> Result<Option<Participant>, Failure> {
    let found = prepared(FIND).bind::<Text, _>(id.as_str()).get_result(connection).await;
    Ok(found.optional()?.map(|Row(person)| person))
}

async fn partners(
    store: &PgStore,
    id: &UserId,
    partners_max: u32,
) -> Result<Option<ParticipantWithPartners>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(ACQUAINTANCES)
        .bind::<Text, _>(id.as_str())
        .bind::<BigInt, _>(i64::from(partners_max))
        .get_result(&mut *connection)
        .await;
    Ok(found.optional()?.map(|PartnersRow(found)| found))
}

// Storing people.

const NOTE: &str = include_str!("participant/note.sql");

const PUT: &str = include_str!("participant/put.sql");

/// A person as JSON; the fields are the columns.
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

/// A person who asked to be forgotten.
struct Forgotten(UserId);

impl QueryableByName<Pg> for Forgotten {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.parsed("id", UserId::parse).map(Self)
    }
}

async fn note(store: &PgStore, person: &Participant, at: Timestamp) -> Result<(), Failure> {
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

async fn put(
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
