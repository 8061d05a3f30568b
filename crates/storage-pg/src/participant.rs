//! The directory of people.

use async_trait::async_trait;
use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    id::UserId,
    participant::Participant,
    ports::{Acquaintances, ParticipantStore, StoreError},
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{At, Record, good, participant},
    store::{PgStore, with_retry},
};

const FIND: &str = "
SELECT id, role, first_name, last_name, salon_name, image, email
FROM messaging.participant
WHERE id = $1";

const ACQUAINTANCES: &str = include_str!("participant/acquaintances.sql");

/// What is not known anew stays as it is.
const NOTE: &str = "
INSERT INTO messaging.participant AS known
    (id, role, first_name, last_name, salon_name, image, email, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
ON CONFLICT (id) DO UPDATE SET
    role = excluded.role,
    first_name = coalesce(excluded.first_name, known.first_name),
    last_name = coalesce(excluded.last_name, known.last_name),
    salon_name = coalesce(excluded.salon_name, known.salon_name),
    image = coalesce(excluded.image, known.image),
    email = coalesce(excluded.email, known.email),
    updated_at = excluded.updated_at";

/// A person with their partners, as the statement returns them.
struct Known(Acquaintances);

impl QueryableByName<Pg> for Known {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let ids = NamedRow::get::<Array<Text>, Vec<String>>(row, "partner_ids")?;
        let partners = ids.iter().map(|id| good("partner_ids", UserId::parse(id)));
        let (person, partners) = (participant(row, "")?, partners.collect::<Read<_>>()?);
        Ok(Self(Acquaintances { person, partners }))
    }
}

#[async_trait]
impl ParticipantStore for PgStore {
    #[tracing::instrument(name = "db.participant.find", skip_all)]
    async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError> {
        with_retry(|| find(self, id)).await
    }

    #[tracing::instrument(name = "db.participant.note", skip_all)]
    async fn note_participant(
        &self,
        person: &Participant,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| note(self, person, at)).await
    }

    #[tracing::instrument(name = "db.participant.acquaintances", skip_all)]
    async fn acquaintances(
        &self,
        id: &UserId,
        partners_max: u32,
    ) -> Result<Option<Acquaintances>, StoreError> {
        with_retry(|| acquaintances(self, id, partners_max)).await
    }
}

async fn find(store: &PgStore, id: &UserId) -> Result<Option<Participant>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(FIND).bind::<Text, _>(id.as_str()).get_result(&mut *connection).await;
    Ok(found.optional()?.map(|Record(person)| person))
}

async fn note(store: &PgStore, person: &Participant, at: Timestamp) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    let profile = &person.profile;
    prepared(NOTE)
        .bind::<Text, _>(person.id.as_str())
        .bind::<Text, _>(person.role.as_str())
        .bind::<Nullable<Text>, _>(profile.first_name.as_deref())
        .bind::<Nullable<Text>, _>(profile.last_name.as_deref())
        .bind::<Nullable<Text>, _>(profile.salon_name.as_deref())
        .bind::<Nullable<Text>, _>(profile.image.as_deref())
        .bind::<Nullable<Text>, _>(profile.email.as_deref())
        .bind::<Timestamptz, _>(At(at))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn acquaintances(
    store: &PgStore,
    id: &UserId,
    partners_max: u32,
) -> Result<Option<Acquaintances>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(ACQUAINTANCES)
        .bind::<Text, _>(id.as_str())
        .bind::<BigInt, _>(i64::from(partners_max))
        .get_result(&mut *connection)
        .await;
    Ok(found.optional()?.map(|Known(acquaintances)| acquaintances))
}
