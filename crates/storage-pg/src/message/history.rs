//! A conversation's messages, page by page.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{message::Message, store::History},
    ids::{ConversationId, UserId},
    page::{MessageCursor, Page, Start, Window},
};

use crate::{
    conversation::lock::{parties_from, stored},
    failure::Failure,
    prepared::prepared,
    record::Row,
    schema::conversation,
    store::PgStore,
};

/// What is beyond the newest position that was read a moment ago is left to the events.
const HISTORY_PAGE: &str = concat!(
    include_str!("messages.sql"),
    "AND m.conversation_id = $1 AND m.seq <= $2 ORDER BY m.seq DESC OFFSET $3 LIMIT $4",
);

/// Salon, client, newest position, number of messages.
type Standing = (String, String, i64, i64);

pub(super) async fn history_page(
    store: &PgStore,
    id: &ConversationId,
    viewer: &UserId,
    window: &Window<MessageCursor>,
) -> Result<Option<History>, Failure> {
    let mut connection = store.connection().await?;
    let Some((salon, client, last_seq, total)) = standing(&mut connection, id, viewer).await?
    else {
        return Ok(None);
    };
    let newest = match window.start {
        Start::Number(_) => last_seq,
        Start::After(MessageCursor(seq)) => last_seq.min(seq.get() - 1),
    };
    let rows: Vec<Row<Message>> = prepared(HISTORY_PAGE)
        .bind::<Text, _>(id.as_str())
        .bind::<BigInt, _>(newest)
        .bind::<BigInt, _>(window.offset())
        .bind::<BigInt, _>(i64::from(window.size.get()) + 1)
        .load(&mut *connection)
        .await?;
    let items = rows.into_iter().map(|Row(message)| message).collect();
    let cursor = |message: &Message| MessageCursor(message.seq);
    Ok(Some(History {
        parties: parties_from(&salon, &client)?,
        last_seq: stored("last_seq", domain::ids::Seq::new(last_seq))?,
        page: Page::of_one_more(items, window.size, total.unsigned_abs(), cursor),
    }))
}

async fn standing(
    connection: &mut AsyncPgConnection,
    id: &ConversationId,
    viewer: &UserId,
) -> Result<Option<Standing>, Failure> {
    use conversation::{client_id, deleted_at, last_seq, message_count, salon_id};
    let found = conversation::table
        .find(id.as_str())
        .filter(deleted_at.is_null())
        .filter(salon_id.eq(viewer.as_str()).or(client_id.eq(viewer.as_str())))
        .select((salon_id, client_id, last_seq, message_count))
        .first(connection)
        .await;
    Ok(found.optional()?)
}
