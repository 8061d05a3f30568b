//! The directory of people.

mod write;

use async_trait::async_trait;
use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::UserId,
    participant::{
        Participant,
        store::{ParticipantStore, ParticipantWithPartners},
    },
    ports::StoreError,
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Row, good, participant},
    store::{PgStore, with_retry},
};

const FIND: &str = "
SELECT id, role, first_name, last_name, salon_name, image, email, language, zone, is_forgotten
FROM messaging.participant
WHERE id = $1";

const ACQUAINTANCES: &str = include_str!("participant/acquaintances.sql");

/// A person with their partners, as the statement returns them.
struct Known(ParticipantWithPartners);

impl QueryableByName<Pg> for Known {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let ids = NamedRow::get::<Array<Text>, Vec<String>>(row, "partner_ids")?;
        let partners = ids.iter().map(|id| good("partner_ids", UserId::parse(id)));
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
    async fn note_participant(
        &self,
        person: &Participant,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| write::note(self, person, at)).await
    }

    #[tracing::instrument(name = "db.participant.put", skip_all)]
    async fn put_participants(
        &self,
        people: &[Participant],
        at: Timestamp,
    ) -> Result<Vec<UserId>, StoreError> {
        with_retry(|| write::put(self, people, at)).await
    }

    #[tracing::instrument(name = "db.participant.acquaintances", skip_all)]
    async fn acquaintances(
        &self,
        id: &UserId,
        partners_max: u32,
    ) -> Result<Option<ParticipantWithPartners>, StoreError> {
        with_retry(|| acquaintances(self, id, partners_max)).await
    }
}

async fn find(store: &PgStore, id: &UserId) -> Result<Option<Participant>, Failure> {
    find_on(&mut *store.connection().await?, id).await
}

/// The person `id`, over a connection at hand.
pub(crate) async fn find_on(
    connection: &mut AsyncPgConnection,
    id: &UserId,
) -> Result<Option<Participant>, Failure> {
    let found = prepared(FIND).bind::<Text, _>(id.as_str()).get_result(connection).await;
    Ok(found.optional()?.map(|Row(person)| person))
}

async fn acquaintances(
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
    Ok(found.optional()?.map(|Known(acquaintances)| acquaintances))
}
