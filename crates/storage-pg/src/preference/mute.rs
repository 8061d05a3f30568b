//! Conversations that somebody does not want to hear of.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Integer, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::{ConversationId, UserId},
    mail::{preferences::MUTED_MAX, store::Muting},
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, PgTimestamp},
    store::PgStore,
};

const MUTE: &str = "SELECT messaging.mute_conversation($1, $2, $3, $4) AS muting";

/// What a person wants is locked first, as when they mute something: nobody waits in a circle.
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

pub(super) async fn mute(
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

pub(super) async fn unmute(
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
