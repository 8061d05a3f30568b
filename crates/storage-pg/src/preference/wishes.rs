//! What a person wants, and changes of it.

use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Bool, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::UserId,
    mail::preferences::{Frequency, PreferenceChange, Preferences, QuietHours},
    time::{Timestamp, Zone},
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, PgTimestamp, wishes},
    store::PgStore,
};

const FIND: &str = concat!(include_str!("recipient.sql"), "WHERE person.id = $1");
const CHANGE: &str = include_str!("change.sql");

/// What somebody the directory knows said that they want, if anything.
struct Noted(Option<Preferences>);

impl QueryableByName<Pg> for Noted {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        wishes(row, row.parsed("id", UserId::parse)?).map(Self)
    }
}

pub(super) async fn find(
    store: &PgStore,
    user: &UserId,
    at: Timestamp,
) -> Result<Option<Preferences>, Failure> {
    let mut connection = store.connection().await?;
    match read(&mut connection, user).await? {
        None => Ok(None),
        Some(Noted(Some(noted))) => Ok(Some(noted)),
        Some(Noted(None)) => {
            enter(&mut connection, user, at).await?;
            // Somebody else may have been first.
            let noted = read(&mut connection, user).await?;
            Ok(noted.and_then(|Noted(noted)| noted))
        }
    }
}

pub(super) async fn change(
    store: &PgStore,
    user: &UserId,
    change: &PreferenceChange,
    at: Timestamp,
) -> Result<Option<Preferences>, Failure> {
    let mut connection = store.connection().await?;
    let quiet = change.quiet_hours.flatten();
    let minute = |of: fn(QuietHours) -> u16| quiet.map(|hours| of(hours).cast_signed());
    let zone = change.zone.as_ref();
    prepared(CHANGE)
        .bind::<Text, _>(user.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Nullable<Bool>, _>(change.mail_enabled)
        .bind::<Nullable<Text>, _>(change.frequency.map(Frequency::as_str))
        .bind::<Bool, _>(change.quiet_hours.is_some())
        .bind::<Nullable<SmallInt>, _>(minute(QuietHours::from_minute))
        .bind::<Nullable<SmallInt>, _>(minute(QuietHours::to_minute))
        .bind::<Bool, _>(zone.is_some())
        .bind::<Nullable<Text>, _>(zone.and_then(|zone| zone.as_ref().map(Zone::as_str)))
        .execute(&mut *connection)
        .await?;
    let noted = read(&mut connection, user).await?;
    Ok(noted.and_then(|Noted(noted)| noted))
}

async fn read(connection: &mut AsyncPgConnection, user: &UserId) -> Result<Option<Noted>, Failure> {
    Ok(prepared(FIND).bind::<Text, _>(user.as_str()).get_result(connection).await.optional()?)
}

/// Notes the usual, unless something is noted.
async fn enter(
    connection: &mut AsyncPgConnection,
    user: &UserId,
    at: Timestamp,
) -> Result<(), Failure> {
    const ENTER: &str = "
INSERT INTO messaging.preference (person_id, mail_enabled, frequency, created_at, updated_at)
SELECT id, true, $3, $2, $2 FROM messaging.participant WHERE id = $1
ON CONFLICT (person_id) DO NOTHING";
    prepared(ENTER)
        .bind::<Text, _>(user.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Text, _>(Frequency::default().as_str())
        .execute(connection)
        .await?;
    Ok(())
}
