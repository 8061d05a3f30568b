//! The conversations of a person, page by page.

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    conversation::{ConversationView, Status},
    ids::UserId,
    page::{ConversationCursor, Page, Start, Window},
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{PgTimestamp, Row},
    store::PgStore,
};

const PAGE: &str = concat!(
    include_str!("list.sql"),
    include_str!("view.sql"),
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

pub(super) async fn page(
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
    Ok(Page::of_one_more(items, window.size, total.unsigned_abs(), cursor_of))
}

fn cursor_of(view: &ConversationView) -> ConversationCursor {
    let conversation = &view.conversation;
    ConversationCursor {
        last_message_at: conversation.last_message_at,
        id: conversation.id.clone(),
    }
}
