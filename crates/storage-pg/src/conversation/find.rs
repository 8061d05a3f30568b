//! One conversation.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, sql_types::Text};
use diesel_async::RunQueryDsl;
use domain::{
    conversation::{ConversationView, Parties},
    ids::{ConversationId, UserId},
};

use super::lock::parties_from;
use crate::{
    failure::Failure, prepared::prepared, record::Row, schema::conversation, store::PgStore,
};

const VIEW: &str = concat!(
    "WITH picked AS (
        SELECT * FROM messaging.conversation
        WHERE id = $2 AND deleted_at IS NULL AND $1 IN (salon_id, client_id)
    )",
    include_str!("view.sql"),
);

pub(super) async fn parties(
    store: &PgStore,
    id: &ConversationId,
) -> Result<Option<Parties>, Failure> {
    let mut connection = store.connection().await?;
    let found: Option<(String, String)> = conversation::table
        .find(id.as_str())
        .filter(conversation::deleted_at.is_null())
        .select((conversation::salon_id, conversation::client_id))
        .first(&mut *connection)
        .await
        .optional()?;
    found.map(|(salon, client)| parties_from(&salon, &client)).transpose()
}

pub(super) async fn view(
    store: &PgStore,
    id: &ConversationId,
    viewer: &UserId,
) -> Result<Option<ConversationView>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(VIEW)
        .bind::<Text, _>(viewer.as_str())
        .bind::<Text, _>(id.as_str())
        .get_result(&mut *connection)
        .await;
    Ok(found.optional()?.map(|Row(view)| view))
}
