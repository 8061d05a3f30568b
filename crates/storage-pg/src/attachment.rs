//! The files of messages that go. Their bytes are deleted by jobs, entered with the change.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{ids::ConversationId, time::Timestamp};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, PgTimestamp},
};

const OF_MESSAGES: &str = concat!(
    "WITH picked AS (SELECT id FROM messaging.attachment WHERE message_id = ANY ($2))",
    include_str!("attachment/forget.sql"),
);

const OF_CONVERSATION: &str = concat!(
    "WITH picked AS (
        SELECT id FROM messaging.attachment
        WHERE message_id IN (
            SELECT id FROM messaging.message WHERE conversation_id = $2 AND attachment_count > 0
        )
    )",
    include_str!("attachment/forget.sql"),
);

/// How many files were handed over for deletion.
struct Gone(u64);

impl QueryableByName<Pg> for Gone {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.count("files").map(Self)
    }
}

/// Lets go of the files of messages, and returns how many were handed over for deletion.
pub(crate) async fn forget_those_of(
    connection: &mut AsyncPgConnection,
    messages: &[&str],
    at: Timestamp,
) -> Result<u64, Failure> {
    let Gone(files) = prepared(OF_MESSAGES)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Array<Text>, _>(messages)
        .get_result(connection)
        .await?;
    Ok(files)
}

/// Lets go of all files of a conversation, likewise. Its messages still say that they have some.
pub(crate) async fn forget_all_in(
    connection: &mut AsyncPgConnection,
    conversation: &ConversationId,
    at: Timestamp,
) -> Result<u64, Failure> {
    let Gone(files) = prepared(OF_CONVERSATION)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Text, _>(conversation.as_str())
        .get_result(connection)
        .await?;
    Ok(files)
}
