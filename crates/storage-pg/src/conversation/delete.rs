//! Taking a conversation away.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::event::{Event, EventKind},
    ids::{ConversationId, UserId},
    time::Timestamp,
};
use serde_json::Value;

use super::lock::{self, Locked};
use crate::{
    attachment,
    failure::Failure,
    record::PgTimestamp,
    schema::{conversation, message},
    store::PgStore,
};

pub(super) async fn delete(
    store: PgStore,
    id: ConversationId,
    by: UserId,
    at: Timestamp,
) -> Result<Option<Event>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            let Some(locked) = Locked::take(connection, &id, &by).await? else {
                return Ok(None);
            };
            let event = locked.next_event(&by, at, EventKind::ConversationDeleted);
            empty_messages(connection, &id, at).await?;
            empty_conversation(connection, &event).await?;
            lock::log(connection, &event).await?;
            Ok(Some(event))
        })
        .await
}

async fn empty_messages(
    connection: &mut AsyncPgConnection,
    id: &ConversationId,
    at: Timestamp,
) -> Result<(), Failure> {
    attachment::forget_all_in(connection, id, at).await?;
    let messages = message::table.filter(message::conversation_id.eq(id.as_str()));
    diesel::update(messages.filter(message::deleted_at.is_null()))
        .set((
            message::content.eq(""),
            message::attachment_count.eq(0),
            message::notice.eq(None::<Value>),
            message::deleted_at.eq(Some(PgTimestamp(at))),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

async fn empty_conversation(
    connection: &mut AsyncPgConnection,
    event: &Event,
) -> Result<(), Failure> {
    diesel::update(conversation::table.find(event.conversation.as_str()))
        .set((
            conversation::subject.eq(None::<&str>),
            conversation::last_seq.eq(event.seq.get()),
            conversation::message_count.eq(0),
            conversation::salon_message_seq.eq(0),
            conversation::client_message_seq.eq(0),
            conversation::deleted_at.eq(Some(PgTimestamp(event.at))),
        ))
        .execute(connection)
        .await?;
    Ok(())
}
