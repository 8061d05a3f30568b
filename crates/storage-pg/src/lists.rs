//! Reading: lists of conversations, pages of messages, single messages, and unread totals.

use async_trait::async_trait;
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        ConversationView, Parties, Status, UnreadConversation,
        message::Message,
        store::{History, MessageStore, ReadingStore},
    },
    ids::{ConversationId, MessageId, UserId},
    page::{ConversationCursor, MessageCursor, Page, Start, Window},
    ports::StoreError,
};

use crate::{
    error::Failure,
    query::prepared,
    row::{ConversationRow, MessageRow, Owner, PgTimestamp, Row, Standing, StandingRow},
    store::{PgStore, with_retry},
};

#[async_trait]
impl MessageStore for PgStore {
    #[tracing::instrument(name = "db.message.history", skip_all, fields(conversation.id = %conversation))]
    async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<Option<History>, StoreError> {
        with_retry(|| history_page(self, conversation, viewer, window)).await
    }

    #[tracing::instrument(name = "db.message.find", skip_all, fields(message.id = %id))]
    async fn message(
        &self,
        id: &MessageId,
        viewer: &UserId,
    ) -> Result<Option<Message>, StoreError> {
        with_retry(|| find(self, id, viewer)).await
    }
}

#[async_trait]
impl ReadingStore for PgStore {
    #[tracing::instrument(name = "db.reading.total", skip_all)]
    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError> {
        with_retry(|| total(self, reader)).await
    }
}

const PAGE: &str = concat!(
    include_str!("conversation/list.sql"),
    include_str!("conversation/columns.sql"),
    include_str!("conversation/joins.sql"),
    "ORDER BY c.last_message_at DESC, c.id DESC",
);

/// The viewer, and how many conversations they have.
const OWNER: &str = concat!(
    include_str!("conversation/count.sql"),
    include_str!("conversation/own.sql"),
    "FROM messaging.participant AS own WHERE own.id = $1",
);

pub(crate) async fn page(
    store: &PgStore,
    viewer: &UserId,
    status: Option<Status>,
    window: &Window<ConversationCursor>,
) -> Result<Page<ConversationView, ConversationCursor>, Failure> {
    let statuses: &[&str] = match status {
        Some(Status::Active) => &[Status::Active.as_str()],
        Some(Status::Archived) => &[Status::Archived.as_str()],
        None => &[Status::Active.as_str(), Status::Archived.as_str()],
    };
    let cursor = match &window.start {
        Start::Number(_) => None,
        Start::After(cursor) => Some(cursor),
    };
    let connection = store.connection().await?;
    let (mut first, mut second) = (&*connection, &*connection);
    let rows = prepared(PAGE)
        .bind::<Text, _>(viewer.as_str())
        .bind::<Array<Text>, _>(statuses)
        .bind::<Nullable<Timestamptz>, _>(cursor.map(|cursor| PgTimestamp(cursor.last_message_at)))
        .bind::<Nullable<Text>, _>(cursor.map(|cursor| cursor.id.as_str()))
        .bind::<BigInt, _>(window.offset())
        .bind::<BigInt, _>(i64::from(window.size.get()) + 1)
        .load(&mut first);
    let owner = prepared(OWNER)
        .bind::<Text, _>(viewer.as_str())
        .bind::<Array<Text>, _>(statuses)
        .get_result(&mut second);
    // Both are sent before the answers are awaited: one round trip.
    let (rows, owner): (Result<Vec<Row<ConversationRow>>, _>, Result<Row<Owner>, _>) =
        tokio::join!(rows, owner);
    let rows = rows?;
    // Who is not in the directory has no conversations.
    let Some(Row(Owner { total, own })) = owner.optional()? else {
        return Ok(Page::from_lookahead(Vec::new(), window.size, 0, cursor_of));
    };
    let items = rows.into_iter().map(|Row(here)| here.seen_by(own.clone())).collect();
    Ok(Page::from_lookahead(items, window.size, total, cursor_of))
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

const STANDING: &str = include_str!("message/standing.sql");

/// Bounded by the newest position that was just read; later messages arrive as events.
const HISTORY_PAGE: &str = concat!(
    include_str!("message/columns.sql"),
    "m.author_side FROM messaging.message AS m
    WHERE m.conversation_id = $1 AND m.seq <= $2 AND m.deleted_at IS NULL
    ORDER BY m.seq DESC OFFSET $3 LIMIT $4",
);

pub(crate) async fn history_page(
    store: &PgStore,
    id: &ConversationId,
    viewer: &UserId,
    window: &Window<MessageCursor>,
) -> Result<Option<History>, Failure> {
    let mut connection = store.connection().await?;
    let standing: Vec<Row<StandingRow>> = prepared(STANDING)
        .bind::<Text, _>(id.as_str())
        .bind::<Text, _>(viewer.as_str())
        .load(&mut *connection)
        .await?;
    let Some(standing) = Standing::of(standing) else {
        return Ok(None);
    };
    let newest = match window.start {
        Start::Number(_) => standing.last_seq.get(),
        Start::After(MessageCursor(seq)) => standing.last_seq.get().min(seq.get() - 1),
    };
    let rows: Vec<Row<MessageRow>> = prepared(HISTORY_PAGE)
        .bind::<Text, _>(id.as_str())
        .bind::<BigInt, _>(newest)
        .bind::<BigInt, _>(window.offset())
        .bind::<BigInt, _>(i64::from(window.size.get()) + 1)
        .load(&mut *connection)
        .await?;
    let items = rows.into_iter().map(|Row(message)| message.within(id, &standing)).collect();
    let cursor = |message: &Message| MessageCursor(message.seq);
    Ok(Some(History {
        page: Page::from_lookahead(items, window.size, standing.message_count, cursor),
        parties: Parties { salon: standing.salon.id, client: standing.client.id },
        last_seq: standing.last_seq,
    }))
}

// Messages by their ids.

const FIND: &str = concat!(
    include_str!("message/columns.sql"),
    include_str!("message/messages.sql"),
    "AND m.id = $1 AND $2 IN (c.salon_id, c.client_id)"
);

const BY_IDS: &str = concat!(
    include_str!("message/columns.sql"),
    include_str!("message/messages.sql"),
    "AND m.id = ANY ($1)"
);

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

// The unread total.

const TOTAL: &str = include_str!("reading/total.sql");

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

async fn total(store: &PgStore, reader: &UserId) -> Result<u64, Failure> {
    let mut connection = store.connection().await?;
    let Total { total } =
        prepared(TOTAL).bind::<Text, _>(reader.as_str()).get_result(&mut *connection).await?;
    Ok(total.unsigned_abs())
}
