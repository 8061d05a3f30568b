//! Addresses that get no more mail.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{id::UserId, mail::normal_address, time::Timestamp};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{At, Columns},
    store::PgStore,
};

/// Noted for everybody who has it, so that it is forgotten with them.
const SUPPRESS: &str = "
WITH concerned AS (
    SELECT messaging.mail_address(email) AS address, id::text AS person_id FROM messaging.participant
    WHERE messaging.mail_address(email) = messaging.mail_address($1)
), noted AS (
    INSERT INTO messaging.suppressed_address (address, person_id, at)
    SELECT address, person_id, $2 FROM concerned
    ON CONFLICT (address, person_id) DO NOTHING
)
SELECT count(*) AS people FROM concerned";

const ALLOW: &str = "
DELETE FROM messaging.suppressed_address
WHERE address = (SELECT messaging.mail_address(email) FROM messaging.participant WHERE id = $1)";

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
        .bind::<Text, _>(normal_address(address))
        .bind::<Timestamptz, _>(At(at))
        .get_result(&mut *connection)
        .await?;
    Ok(people)
}

pub(super) async fn allow(store: &PgStore, person: &UserId) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let allowed =
        prepared(ALLOW).bind::<Text, _>(person.as_str()).execute(&mut *connection).await?;
    Ok(allowed > 0)
}
