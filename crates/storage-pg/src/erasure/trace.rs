//! What a person left in conversations, and taking it away.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, deserialize::Result as Read,
    pg::Pg, row::NamedRow, sql_types::Text,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Side, Status,
        event::{Event, EventKind},
    },
    ids::{ConversationId, MessageId, UserId},
    privacy::store::EraseIn,
};

use super::names;
use crate::{
    attachment,
    conversation::lock::{self, Locked, stored},
    failure::Failure,
    message::{empty, step_back},
    prepared::prepared,
    record::{Columns, PgTimestamp, side_word},
    schema::{conversation, erasure, message},
    store::PgStore,
};

const NEXT: &str = include_str!("next.sql");

struct Left(ConversationId);

impl QueryableByName<Pg> for Left {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.parsed("id", ConversationId::parse).map(Self)
    }
}

pub(super) async fn next(
    store: &PgStore,
    person: &UserId,
) -> Result<Option<ConversationId>, Failure> {
    next_on(&mut *store.connection().await?, person).await
}

pub(super) async fn next_on(
    connection: &mut AsyncPgConnection,
    person: &UserId,
) -> Result<Option<ConversationId>, Failure> {
    let left = prepared(NEXT).bind::<Text, _>(person.as_str()).get_result(connection).await;
    Ok(left.optional()?.map(|Left(id)| id))
}

pub(super) async fn erase(store: PgStore, erase: EraseIn) -> Result<Vec<Event>, Failure> {
    let mut connection = store.connection().await?;
    connection.transaction(async |connection| erase_in(connection, &erase).await).await
}

async fn erase_in(
    connection: &mut AsyncPgConnection,
    erase: &EraseIn,
) -> Result<Vec<Event>, Failure> {
    let asked: Option<String> = erasure::table
        .find(erase.person.as_str())
        .select(erasure::person_id)
        .first(connection)
        .await
        .optional()?;
    let locked = match asked {
        None => None,
        Some(_) => Locked::take(connection, &erase.conversation, &erase.person).await?,
    };
    let Some(mut here) = locked else { return Ok(Vec::new()) };
    let side = stored("person_id", here.parties.side_of(&erase.person))?;

    let ids = written(connection, erase, side).await?;
    let files = take_back(connection, &ids, side, erase).await?;
    let mut renamed = 0;
    if side == Side::Client {
        renamed = names::take_out(connection, &here.id).await?;
    }
    let events = tell(connection, &mut here, &ids, erase).await?;
    let left = step_back(connection, &here, ids.len()).await?;
    let is_done = left.on(side) == 0 && (renamed > 0 || !events.is_empty());
    count(connection, erase, ids.len(), files, is_done).await?;
    Ok(events)
}

/// The oldest of the person's messages that are still there, as many as asked for.
async fn written(
    connection: &mut AsyncPgConnection,
    erase: &EraseIn,
    side: Side,
) -> Result<Vec<String>, Failure> {
    let ids = message::table
        .filter(message::conversation_id.eq(erase.conversation.as_str()))
        .filter(message::author_side.eq(side_word(side)))
        .filter(message::deleted_at.is_null())
        .order(message::seq)
        .limit(erase.messages_max.into())
        .select(message::id)
        .load(connection)
        .await?;
    Ok(ids)
}

/// Empties the messages `ids`. Returns how many files were handed over for deletion.
async fn take_back(
    connection: &mut AsyncPgConnection,
    ids: &[String],
    side: Side,
    erase: &EraseIn,
) -> Result<u64, Failure> {
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    empty(connection, &ids, side, erase.at).await?;
    attachment::forget_those_of(connection, &ids, erase.at).await
}

/// Puts the conversation away, and notes all that happened, in order.
async fn tell(
    connection: &mut AsyncPgConnection,
    here: &mut Locked,
    emptied: &[String],
    erase: &EraseIn,
) -> Result<Vec<Event>, Failure> {
    let mut kinds = Vec::with_capacity(emptied.len() + 1);
    for id in emptied {
        kinds.push(EventKind::MessageDeleted(stored("id", MessageId::parse(id))?));
    }
    if here.subject.is_some() || here.status == Status::Active {
        kinds.push(EventKind::ConversationUpdated { subject: None, status: Status::Archived });
        put_away(connection, erase).await?;
    }
    let mut events = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let event = here.next_event(&erase.person, erase.at, kind);
        lock::log(connection, &event).await?;
        here.last_seq = event.seq;
        events.push(event);
    }
    Ok(events)
}

async fn put_away(connection: &mut AsyncPgConnection, erase: &EraseIn) -> Result<(), Failure> {
    diesel::update(conversation::table.find(erase.conversation.as_str()))
        .set((
            conversation::subject.eq(None::<&str>),
            conversation::status.eq(Status::Archived.as_str()),
            conversation::updated_at.eq(PgTimestamp(erase.at)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds to the receipt.
async fn count(
    connection: &mut AsyncPgConnection,
    erase: &EraseIn,
    messages: usize,
    files: u64,
    is_done: bool,
) -> Result<(), Failure> {
    let messages = i64::try_from(messages).unwrap_or(i64::MAX);
    let files = i64::try_from(files).unwrap_or(i64::MAX);
    diesel::update(erasure::table.find(erase.person.as_str()))
        .set((
            erasure::conversations.eq(erasure::conversations + i64::from(is_done)),
            erasure::messages.eq(erasure::messages + messages),
            erasure::files.eq(erasure::files + files),
        ))
        .execute(connection)
        .await?;
    Ok(())
}
