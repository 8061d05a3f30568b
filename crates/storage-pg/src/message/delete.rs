//! Deleting a message.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, dsl::max};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Side,
        event::{Event, EventKind},
    },
    ids::{ConversationId, MessageId, UserId},
    time::Timestamp,
};
use serde_json::Value;

use crate::{
    attachment,
    conversation::lock::{self, Locked, stored},
    failure::Failure,
    record::{PgTimestamp, side_word},
    schema::{conversation, message},
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
            let Some(mut locked) = Locked::take(connection, &here, &author).await? else {
                return Ok(None);
            };
            let Some(side) = locked.parties.side_of(&author) else {
                return Ok(None);
            };
            if empty(connection, &[id.as_str()], side, at).await? == 0 {
                return Ok(None);
            }
            attachment::forget_those_of(connection, &[id.as_str()], at).await?;
            let event = locked.next_event(&author, at, EventKind::MessageDeleted(id.clone()));
            locked.last_seq = event.seq;
            step_back(connection, &locked, 1).await?;
            lock::log(connection, &event).await?;
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

/// Takes words and meaning out of those of the messages that are there and of that side. Returns how
/// many there were; their files go with [`attachment::forget_those_of`].
pub(crate) async fn empty(
    connection: &mut AsyncPgConnection,
    ids: &[&str],
    author: Side,
    at: Timestamp,
) -> Result<usize, Failure> {
    let theirs = message::table
        .filter(message::id.eq_any(ids))
        .filter(message::author_side.eq(side_word(author)))
        .filter(message::deleted_at.is_null());
    let emptied = diesel::update(theirs)
        .set((
            message::content.eq(""),
            message::attachment_count.eq(0),
            message::notice.eq(None::<Value>),
            message::deleted_at.eq(Some(PgTimestamp(at))),
        ))
        .execute(connection)
        .await?;
    Ok(emptied)
}

/// Where the newest message of each side is that was not deleted; 0 when there is none.
pub(crate) struct Newest {
    salon: i64,
    client: i64,
}

impl Newest {
    /// That of `side`.
    pub(crate) fn on(&self, side: Side) -> i64 {
        match side {
            Side::Salon => self.salon,
            Side::Client => self.client,
        }
    }
}

/// Brings the conversation to where the messages left put it, after so many were emptied.
pub(crate) async fn step_back(
    connection: &mut AsyncPgConnection,
    locked: &Locked,
    emptied: usize,
) -> Result<Newest, Failure> {
    let left = Newest {
        salon: newest(connection, locked, Side::Salon).await?,
        client: newest(connection, locked, Side::Client).await?,
    };
    let newest_at: Option<PgTimestamp> = message::table
        .filter(message::conversation_id.eq(locked.id.as_str()))
        .filter(message::seq.eq(left.salon.max(left.client)))
        .select(message::created_at)
        .first(connection)
        .await
        .optional()?;
    let emptied = i64::try_from(emptied).unwrap_or(i64::MAX);
    diesel::update(conversation::table.find(locked.id.as_str()))
        .set((
            conversation::last_seq.eq(locked.last_seq.get()),
            conversation::message_count.eq(conversation::message_count - emptied),
            conversation::salon_message_seq.eq(left.salon),
            conversation::client_message_seq.eq(left.client),
            conversation::last_message_at.eq(newest_at.unwrap_or(PgTimestamp(locked.created_at))),
        ))
        .execute(connection)
        .await?;
    Ok(left)
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
