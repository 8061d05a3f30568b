//! Mail preferences.

use async_trait::async_trait;
use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{ConversationId, UserId},
    mail::{
        preferences::{Frequency, MUTED_MAX, PreferenceChange, Preferences, QuietHours},
        store::{Muting, PreferenceStore},
    },
    ports::StoreError,
    time::{Timestamp, Zone},
};

use super::preferences;
use crate::{
    error::Failure,
    query::prepared,
    row::{Columns, PgTimestamp},
    store::{PgStore, with_retry},
};

#[async_trait]
impl PreferenceStore for PgStore {
    #[tracing::instrument(name = "db.preference.find", skip_all)]
    async fn preferences(
        &self,
        user: &UserId,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError> {
        with_retry(|| find(self, user, at)).await
    }

    #[tracing::instrument(name = "db.preference.change", skip_all)]
    async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError> {
        with_retry(|| self::change(self, user, change, at)).await
    }

    #[tracing::instrument(
        name = "db.preference.mute", skip_all, fields(conversation.id = %conversation)
    )]
    async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<Muting, StoreError> {
        with_retry(|| mute(self, user, conversation, at)).await
    }

    #[tracing::instrument(
        name = "db.preference.unmute", skip_all, fields(conversation.id = %conversation)
    )]
    async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| unmute(self, user, conversation, at)).await
    }
}

// Muted conversations.

/// The lock is that of `mute_conversation`. It is here so that the statement counts as a writer before it
/// sees whether the person was asked to be forgotten: an erasure waits for writers.
const MUTE: &str = "
WITH owner AS (
    SELECT FROM messaging.preference WHERE person_id = $1 FOR UPDATE
)
SELECT CASE
    WHEN EXISTS (SELECT FROM messaging.erasure WHERE person_id = $1) THEN 'unknown_conversation'
    ELSE messaging.mute_conversation($1, $2, $3, $4)
END AS muting
FROM (SELECT count(*) FROM owner) AS known";

/// Locks the person's preferences first, as `mute_conversation` does, so that no two calls
/// deadlock.
const UNMUTE: &str = "
WITH owner AS (
    SELECT person_id FROM messaging.preference WHERE person_id = $1 FOR UPDATE
), heard_of AS (
    DELETE FROM messaging.muted_conversation AS muted USING owner
    WHERE muted.person_id = owner.person_id AND muted.conversation_id = $2
    RETURNING muted.person_id
)
UPDATE messaging.preference AS preference SET updated_at = $3
FROM heard_of WHERE preference.person_id = heard_of.person_id";

struct Answer(Muting);

impl QueryableByName<Pg> for Answer {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let muting = |word: &str| match word {
            "muted" => Some(Muting::Muted),
            "unknown_conversation" => Some(Muting::UnknownConversation),
            "too_many" => Some(Muting::TooMany),
            _ => None,
        };
        row.parsed("muting", muting).map(Self)
    }
}

async fn mute(
    store: &PgStore,
    user: &UserId,
    conversation: &ConversationId,
    at: Timestamp,
) -> Result<Muting, Failure> {
    let mut connection = store.connection().await?;
    let Answer(muting) = prepared(MUTE)
        .bind::<Text, _>(user.as_str())
        .bind::<Text, _>(conversation.as_str())
        .bind::<Integer, _>(i32::try_from(MUTED_MAX).unwrap_or(i32::MAX))
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .get_result(&mut *connection)
        .await?;
    Ok(muting)
}

async fn unmute(
    store: &PgStore,
    user: &UserId,
    conversation: &ConversationId,
    at: Timestamp,
) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    prepared(UNMUTE)
        .bind::<Text, _>(user.as_str())
        .bind::<Text, _>(conversation.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

// Reading and changing preferences.

const FIND: &str = concat!(include_str!("../preference/recipient.sql"), "WHERE person.id = $1");
const CHANGE: &str = include_str!("../preference/change.sql");

/// The stored preferences of a known person, if any.
struct StoredPreferences(Option<Preferences>);

impl QueryableByName<Pg> for StoredPreferences {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        preferences(row, row.parsed("id", UserId::parse)?).map(Self)
    }
}

async fn find(
    store: &PgStore,
    user: &UserId,
    at: Timestamp,
) -> Result<Option<Preferences>, Failure> {
    let mut connection = store.connection().await?;
    match read(&mut connection, user).await? {
        None => Ok(None),
        Some(StoredPreferences(Some(stored))) => Ok(Some(stored)),
        Some(StoredPreferences(None)) => {
            enter(&mut connection, user, at).await?;
            // A concurrent call may have been first.
            let stored = read(&mut connection, user).await?;
            Ok(stored.and_then(|StoredPreferences(stored)| stored))
        }
    }
}

async fn change(
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
    let stored = read(&mut connection, user).await?;
    Ok(stored.and_then(|StoredPreferences(stored)| stored))
}

async fn read(
    connection: &mut AsyncPgConnection,
    user: &UserId,
) -> Result<Option<StoredPreferences>, Failure> {
    Ok(prepared(FIND).bind::<Text, _>(user.as_str()).get_result(connection).await.optional()?)
}

/// Stores the defaults, unless preferences are stored.
async fn enter(
    connection: &mut AsyncPgConnection,
    user: &UserId,
    at: Timestamp,
) -> Result<(), Failure> {
    const ENTER: &str = "
INSERT INTO messaging.preference (person_id, mail_enabled, frequency, created_at, updated_at)
SELECT id, true, $3, $2, $2 FROM messaging.participant
WHERE id = $1 AND NOT EXISTS (SELECT FROM messaging.erasure WHERE person_id = $1)
ON CONFLICT (person_id) DO NOTHING";
    prepared(ENTER)
        .bind::<Text, _>(user.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Text, _>(Frequency::default().as_str())
        .execute(connection)
        .await?;
    Ok(())
}
