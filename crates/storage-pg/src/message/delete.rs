//! Deleting a message.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, dsl::max};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::Side,
    event::{Event, EventKind},
    id::{ConversationId, MessageId, UserId},
    time::Timestamp,
};

use crate::{
    conversation::lock::{self, Locked, stored},
    failure::Failure,
    record::{At, side_word},
    schema::{attachment, conversation, message},
    store::PgStore,
};

pub(super) async fn delete(
    store: PgStore,
    id: MessageId,
    author: UserId,
    at: Timestamp,
) -> Result<Option<Event>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            // The conversation's lock comes first, as in every other change; which one it is can
            // be looked up before, as a message never moves.
            let Some(here) = conversation_of(connection, &id).await? else {
                return Ok(None);
            };
            let Some(locked) = Locked::take(connection, &here, &author).await? else {
                return Ok(None);
            };
            let Some(side) = locked.parties.side_of(&author) else {
                return Ok(None);
            };
            if !empty(connection, &id, side, at).await? {
                return Ok(None);
            }
            let event = locked.next_event(&author, at, EventKind::MessageDeleted(id.clone()));
            step_back(connection, &locked, &event).await?;
            lock::log(connection, &event, "message_deleted").await?;
            Ok(Some(event))
        })
        .await
}

async fn conversation_of(
    connection: &mut AsyncPgConnection,
    id: &MessageId,
) -> Result<Option<ConversationId>, Failure> {
    let found: Option<String> = message::table
        .find(id.as_str())
        .select(message::conversation_id)
        .first(connection)
        .await
        .optional()?;
    found.map(|id| stored("conversation_id", ConversationId::parse(&id))).transpose()
}

/// Takes text and files out of the message, if it is there and of that side.
async fn empty(
    connection: &mut AsyncPgConnection,
    id: &MessageId,
    author: Side,
    at: Timestamp,
) -> Result<bool, Failure> {
    let theirs = message::table
        .find(id.as_str())
        .filter(message::author_side.eq(side_word(author)))
        .filter(message::deleted_at.is_null());
    let emptied = diesel::update(theirs)
        .set((
            message::content.eq(""),
            message::attachment_count.eq(0),
            message::deleted_at.eq(Some(At(at))),
        ))
        .execute(connection)
        .await?;
    diesel::delete(attachment::table)
        .filter(attachment::message_id.eq(id.as_str()))
        .execute(connection)
        .await?;
    Ok(emptied > 0)
}

/// Brings the conversation to where the messages left put it.
async fn step_back(
    connection: &mut AsyncPgConnection,
    locked: &Locked,
    event: &Event,
) -> Result<(), Failure> {
    let salon_seq = newest(connection, locked, Side::Salon).await?;
    let client_seq = newest(connection, locked, Side::Client).await?;
    let newest_at: Option<At> = message::table
        .filter(message::conversation_id.eq(locked.id.as_str()))
        .filter(message::seq.eq(salon_seq.max(client_seq)))
        .select(message::created_at)
        .first(connection)
        .await
        .optional()?;
    diesel::update(conversation::table.find(locked.id.as_str()))
        .set((
            conversation::last_seq.eq(event.seq.get()),
            conversation::message_count.eq(conversation::message_count - 1),
            conversation::salon_message_seq.eq(salon_seq),
            conversation::client_message_seq.eq(client_seq),
            conversation::last_message_at.eq(newest_at.unwrap_or(At(locked.created_at))),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// The position of the newest message of `side`, 0 when there is none.
async fn newest(
    connection: &mut AsyncPgConnection,
    locked: &Locked,
    side: Side,
) -> Result<i64, Failure> {
    let newest: Option<i64> = message::table
        .filter(message::conversation_id.eq(locked.id.as_str()))
        .filter(message::author_side.eq(side_word(side)))
        .filter(message::deleted_at.is_null())
        .select(max(message::seq))
        .first(connection)
        .await?;
    Ok(newest.unwrap_or(0))
}
