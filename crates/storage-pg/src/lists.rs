//! A person's conversations, by page.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        ConversationView, Status, UnreadConversation, message::Message, store::History,
    },
    ids::{ConversationId, MessageId, UserId},
    page::{ConversationCursor, MessageCursor, Page, Start, Window},
};

use crate::{
    error::Failure,
    lock::{decoded, parties_from},
    query::prepared,
    row::{PgTimestamp, Row},
    schema::conversation,
    store::PgStore,
};

const PAGE: &str = concat!(
    include_str!("conversation/list.sql"),
    include_str!("conversation/view.sql"),
    "ORDER BY c.last_message_at DESC, c.id DESC",
);

const COUNT: &str = "
SELECT sum(n)::bigint AS total FROM (
    SELECT count(*) AS n FROM messaging.conversation
    WHERE salon_id = $1 AND status = ANY ($2) AND deleted_at IS NULL
    UNION ALL
    SELECT count(*) FROM messaging.conversation
    WHERE client_id = $1 AND status = ANY ($2) AND deleted_at IS NULL
) AS sides";

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

pub(crate) async fn page(
    store: &PgStore,
    viewer: &UserId,
    status: Option<Status>,
    window: &Window<ConversationCursor>,
) -> Result<Page<ConversationView, ConversationCursor>, Failure> {
    let statuses = match status {
        Some(status) => vec![status.as_str()],
        None => vec![Status::Active.as_str(), Status::Archived.as_str()],
    };
    let cursor = match &window.start {
        Start::Number(_) => None,
        Start::After(cursor) => Some(cursor),
    };
    let mut connection = store.connection().await?;
    let rows: Vec<Row<ConversationView>> = prepared(PAGE)
        .bind::<Text, _>(viewer.as_str())
        .bind::<Array<Text>, _>(&statuses)
        .bind::<Nullable<Timestamptz>, _>(cursor.map(|cursor| PgTimestamp(cursor.last_message_at)))
        .bind::<Nullable<Text>, _>(cursor.map(|cursor| cursor.id.as_str()))
        .bind::<BigInt, _>(window.offset())
        .bind::<BigInt, _>(i64::from(window.size.get()) + 1)
        .load(&mut *connection)
        .await?;
    let Total { total } = prepared(COUNT)
        .bind::<Text, _>(viewer.as_str())
        .bind::<Array<Text>, _>(&statuses)
        .get_result(&mut *connection)
        .await?;
    let items = rows.into_iter().map(|Row(view)| view).collect();
    Ok(Page::from_lookahead(items, window.size, total.unsigned_abs(), cursor_of))
}

fn cursor_of(view: &ConversationView) -> ConversationCursor {
    let conversation = &view.conversation;
    ConversationCursor {
        last_message_at: conversation.last_message_at,
        id: conversation.id.clone(),
    }
}

// Unread conversations.

const LIST: &str = include_str!("conversation/unread.sql");

pub(crate) async fn list(
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

// Messages of a conversation, by page.

/// Bounded by the newest position that was just read; later messages arrive as events.
const HISTORY_PAGE: &str = concat!(
    include_str!("message/messages.sql"),
    "AND m.conversation_id = $1 AND m.seq <= $2 ORDER BY m.seq DESC OFFSET $3 LIMIT $4",
);

/// Salon, client, newest position, number of messages.
type Standing = (String, String, i64, i64);

pub(crate) async fn history_page(
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
        last_seq: decoded("last_seq", domain::ids::Seq::new(last_seq))?,
        page: Page::from_lookahead(items, window.size, total.unsigned_abs(), cursor),
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

// Messages by their ids.

const FIND: &str = concat!(
    include_str!("message/messages.sql"),
    "AND m.id = $1 AND $2 IN (c.salon_id, c.client_id)"
);

const BY_IDS: &str = concat!(include_str!("message/messages.sql"), "AND m.id = ANY ($1)");

pub(crate) async fn find(
    store: &PgStore,
    id: &MessageId,
    viewer: &UserId,
) -> Result<Option<Message>, Failure> {
    let mut connection = store.connection().await?;
    find_on(&mut connection, id.as_str(), viewer).await
}

/// The message `id`, over an existing connection.
pub(crate) async fn find_on(
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

/// The messages `ids` that are not deleted, unordered.
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
