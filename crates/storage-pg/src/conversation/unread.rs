//! Where something waits to be read.

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use domain::{conversation::UnreadConversation, ids::UserId};

use crate::{failure::Failure, prepared::prepared, record::Row, store::PgStore};

const LIST: &str = include_str!("unread.sql");

pub(super) async fn list(
    store: &PgStore,
    viewer: &UserId,
    limit: u32,
) -> Result<Vec<UnreadConversation>, Failure> {
    let mut connection = store.connection().await?;
    let rows: Vec<Row<UnreadConversation>> = prepared(LIST)
        .bind::<Text, _>(viewer.as_str())
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut *connection)
        .await?;
    Ok(rows.into_iter().map(|Row(conversation)| conversation).collect())
}
