//! The conversations' logs.

mod changes;
mod now;

use async_trait::async_trait;
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        event::Event,
        store::{LogPiece, LogStore},
    },
    ids::{ConversationId, Seq, UserId},
    ports::StoreError,
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::EventRow,
    schema::event,
    store::{PgStore, with_retry},
};
use now::LogHydrator;

#[async_trait]
impl LogStore for PgStore {
    #[tracing::instrument(name = "db.log.read", skip_all, fields(conversation.id = %conversation))]
    async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Option<LogPiece>, StoreError> {
        with_retry(|| events_after(self, conversation, viewer, after, limit)).await
    }

    #[tracing::instrument(name = "db.log.changes", skip_all)]
    async fn changes_since(
        &self,
        viewer: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        with_retry(|| changes::since(self, viewer, since, limit)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        with_retry(|| ping(self)).await
    }
}

async fn ping(store: &PgStore) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    prepared("SELECT 1").execute(&mut *connection).await?;
    Ok(())
}

async fn events_after(
    store: &PgStore,
    id: &ConversationId,
    viewer: &UserId,
    after: Seq,
    limit: u32,
) -> Result<Option<LogPiece>, Failure> {
    let mut connection = store.connection().await?;
    let Some(mut now) = LogHydrator::find(&mut connection, id, viewer).await? else {
        return Ok(None);
    };
    if after > now.last_seq() {
        return Ok(Some(LogPiece::Trimmed));
    }
    let rows = entries(&mut connection, id, after, limit).await?;
    // A gapless log that begins later, or is empty while something happened, was cut.
    let first = rows.as_slice().first().map_or(now.last_seq().next().get(), |row| row.seq);
    if first > after.next().get() {
        return Ok(Some(LogPiece::Trimmed));
    }
    now.look_up(&mut connection, &rows).await?;
    let events = rows.iter().map(|row| now.tell(row));
    events.collect::<Result<_, _>>().map(|events| Some(LogPiece::Events(events)))
}

async fn entries(
    connection: &mut AsyncPgConnection,
    id: &ConversationId,
    after: Seq,
    limit: u32,
) -> Result<Vec<EventRow>, Failure> {
    let later = event::seq.gt(after.get());
    let rows = event::table
        .filter(event::conversation_id.eq(id.as_str()).and(later))
        .order(event::seq)
        .limit(i64::from(limit))
        .select(EventRow::as_select())
        .load(connection)
        .await?;
    Ok(rows)
}
