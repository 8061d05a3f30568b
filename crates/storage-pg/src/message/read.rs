//! Messages by their ids.

use diesel::{
    OptionalExtension,
    sql_types::{Array, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::message::Message,
    ids::{MessageId, UserId},
};

use crate::{failure::Failure, prepared::prepared, record::Row, store::PgStore};

const FIND: &str =
    concat!(include_str!("messages.sql"), "AND m.id = $1 AND $2 IN (c.salon_id, c.client_id)");

const BY_IDS: &str = concat!(include_str!("messages.sql"), "AND m.id = ANY ($1)");

pub(super) async fn find(
    store: &PgStore,
    id: &MessageId,
    viewer: &UserId,
) -> Result<Option<Message>, Failure> {
    let mut connection = store.connection().await?;
    find_on(&mut connection, id.as_str(), viewer).await
}

/// The message `id`, over a connection at hand.
pub(super) async fn find_on(
    connection: &mut AsyncPgConnection,
    id: &str,
    viewer: &UserId,
) -> Result<Option<Message>, Failure> {
    let found = prepared(FIND)
        .bind::<Text, _>(id)
        .bind::<Text, _>(viewer.as_str())
        .get_result(connection)
        .await;
    Ok(found.optional()?.map(|Row(message)| message))
}

/// Those of the messages `ids` that are still there, in no order.
pub(crate) async fn by_ids(
    connection: &mut AsyncPgConnection,
    ids: &[&str],
) -> Result<Vec<Message>, Failure> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row<Message>> =
        prepared(BY_IDS).bind::<Array<Text>, _>(ids).load(connection).await?;
    Ok(rows.into_iter().map(|Row(message)| message).collect())
}
