//! Where an answer by mail belongs.

use diesel::{
    OptionalExtension, deserialize::Result as Read, pg::Pg, row::NamedRow, sql_types::Text,
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::{ConversationId, UserId},
    mail::{ReplyToken, store::ReplyTarget},
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, FromColumns, Row},
    store::PgStore,
};

const TARGET: &str = "
SELECT person_id, conversation_id FROM messaging.told_conversation WHERE reply_token = $1";

impl FromColumns for ReplyTarget {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            person: row.parsed("person_id", UserId::parse)?,
            conversation: row.parsed("conversation_id", ConversationId::parse)?,
        })
    }
}

pub(super) async fn target(
    store: &PgStore,
    token: &ReplyToken,
) -> Result<Option<ReplyTarget>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(TARGET)
        .bind::<Text, _>(token.as_str())
        .get_result(&mut *connection)
        .await
        .optional()?;
    Ok(found.map(|Row(target)| target))
}
