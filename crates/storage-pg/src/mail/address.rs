//! Addresses that get no more mail.

use diesel::{
    OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{ids::UserId, mail::address_forms, time::Timestamp};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, PgTimestamp},
    schema::participant,
    store::PgStore,
};

/// Noted for everybody who has it, so that it is forgotten with them, and in each of its forms ($1), so
/// that it holds when the platform tells the same address in another one.
const SUPPRESS: &str = "
WITH concerned AS (
    SELECT id::text AS person_id FROM messaging.participant
    WHERE messaging.mail_address(email) = ANY ($1)
), noted AS (
    INSERT INTO messaging.suppressed_address (address, person_id, at)
    SELECT form, person_id, $2 FROM concerned CROSS JOIN unnest($1) AS form
    ON CONFLICT (address, person_id) DO NOTHING
)
SELECT count(*) AS people FROM concerned";

const ALLOW: &str = "DELETE FROM messaging.suppressed_address WHERE address = ANY ($1)";

struct Concerned(u64);

impl QueryableByName<Pg> for Concerned {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.count("people").map(Self)
    }
}

pub(super) async fn suppress(
    store: &PgStore,
    address: &str,
    at: Timestamp,
) -> Result<u64, Failure> {
    let mut connection = store.connection().await?;
    let Concerned(people) = prepared(SUPPRESS)
        .bind::<Array<Text>, _>(address_forms(address))
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .get_result(&mut *connection)
        .await?;
    Ok(people)
}

pub(super) async fn allow(store: &PgStore, person: &UserId) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let email: Option<Option<String>> = participant::table
        .find(person.as_str())
        .select(participant::email)
        .first(&mut *connection)
        .await
        .optional()?;
    let Some(email) = email.flatten() else { return Ok(false) };
    let allowed = prepared(ALLOW)
        .bind::<Array<Text>, _>(address_forms(&email))
        .execute(&mut *connection)
        .await?;
    Ok(allowed > 0)
}
