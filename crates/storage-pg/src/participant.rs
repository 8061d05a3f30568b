//! The directory of people.

use async_trait::async_trait;
use diesel::{
    OptionalExtension,
    sql_types::{Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    id::UserId,
    participant::Participant,
    ports::{ParticipantStore, StoreError},
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{At, Record},
    store::{PgStore, with_retry},
};

const FIND: &str = "
SELECT id, role, first_name, last_name, salon_name, image, email
FROM messaging.participant
WHERE id = $1";

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
