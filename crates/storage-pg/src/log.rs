//! The logs of conversations.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    SelectableHelper,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Parties, Status,
        event::{Event, EventKind, ReadReceipt},
        ledger::PerSide,
        message::Message,
        store::{AuditedPage, CounterStore, LogPiece, LogStore},
    },
    ids::{ConversationId, MessageId, Seq, UserId},
    ports::StoreError,
    text::Subject,
    time::Timestamp,
};

use crate::{
    error::Failure,
    lists::by_ids,
    lock::{decoded, parties_from},
    query::prepared,
    row::{Columns as _, EventRow, FromColumns, PgTimestamp, Row, decode},
    schema::{conversation, event},
    store::{PgStore, run_to_completion, with_retry},
};

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
        with_retry(|| self::since(self, viewer, since, limit)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        with_retry(|| ping(self)).await
    }
}

#[async_trait]
impl CounterStore for PgStore {
    #[tracing::instrument(name = "db.log.audit", skip_all)]
    async fn audit_heads(
        &self,
        after: Option<ConversationId>,
        limit: u32,
    ) -> Result<AuditedPage, StoreError> {
        let store = self.clone();
        run_to_completion(move || audit(store.clone(), after.clone(), limit)).await
    }
}

async fn ping(store: &PgStore) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    prepared("SELECT 1").execute(&mut *connection).await?;
    Ok(())
}

// The audit of counters.

const DIFFERING: &str = include_str!("log/audit.sql");
const LOCK: &str = "SELECT FROM messaging.conversation WHERE id = $1 FOR NO KEY UPDATE";
const REPAIR: &str = include_str!("log/repair.sql");

/// Where the next page begins, and one conversation of this page that differs.
#[derive(QueryableByName)]
struct Differing {
    #[diesel(sql_type = Nullable<Text>)]
    next_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    id: Option<String>,
}

async fn audit(
    store: PgStore,
    after: Option<ConversationId>,
    limit: u32,
) -> Result<AuditedPage, Failure> {
    let mut connection = store.connection().await?;
    let rows: Vec<Differing> = prepared(DIFFERING)
        .bind::<Text, _>(after.as_ref().map_or("", ConversationId::as_str))
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut *connection)
        .await?;
    let parsed = |id: &String| decoded("id", ConversationId::parse(id));
    let mut audited = AuditedPage {
        repaired: Vec::new(),
        next: rows
            .as_slice()
            .first()
            .and_then(|row| row.next_id.as_ref())
            .map(parsed)
            .transpose()?,
    };
    for id in rows.iter().filter_map(|row| row.id.as_ref()) {
        if repair(&mut connection, id).await? {
            audited.repaired.push(parsed(id)?);
        }
    }
    Ok(audited)
}

/// Whether the conversation still differed when it was locked. The repair is a statement of its own:
/// it must see what was committed while it waited for the lock.
async fn repair(connection: &mut AsyncPgConnection, id: &str) -> Result<bool, Failure> {
    connection
        .transaction(async |connection| {
            prepared(LOCK).bind::<Text, _>(id).execute(connection).await?;
            Ok(prepared(REPAIR).bind::<Text, _>(id).execute(connection).await? > 0)
        })
        .await
}

async fn events_after(
    store: &PgStore,
    id: &ConversationId,
    viewer: &UserId,
    after: Seq,
    limit: u32,
) -> Result<Option<LogPiece>, Failure> {
    let mut connection = store.connection().await?;
    let Some(mut hydrator) = LogHydrator::find(&mut connection, id, viewer).await? else {
        return Ok(None);
    };
    if after > hydrator.last_seq {
        return Ok(Some(LogPiece::Trimmed));
    }
    let rows = entries(&mut connection, id, after, limit).await?;
    // A gapless log that begins later, or is empty after events, was trimmed.
    let first = rows.as_slice().first().map_or(hydrator.last_seq.next().get(), |row| row.seq);
    if first > after.next().get() {
        return Ok(Some(LogPiece::Trimmed));
    }
    hydrator.look_up(&mut connection, &rows).await?;
    let events = rows.iter().map(|row| hydrator.event(row));
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

// Changes of a person's conversations.

const SINCE: &str = include_str!("log/changes.sql");

async fn since(
    store: &PgStore,
    viewer: &UserId,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Event>, Failure> {
    let mut connection = store.connection().await?;
    let rows: Vec<Row<Event>> = prepared(SINCE)
        .bind::<Text, _>(viewer.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(since))
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut *connection)
        .await?;
    Ok(rows.into_iter().map(|Row(event)| event).collect())
}

impl FromColumns for Event {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            conversation: row.parsed("id", ConversationId::parse)?,
            parties: Parties {
                salon: row.parsed("salon_id", UserId::parse)?,
                client: row.parsed("client_id", UserId::parse)?,
            },
            seq: row.seq("seq")?,
            at: row.at("at")?,
            actor: row.parsed("actor_id", UserId::parse)?,
            kind: kind(row)?,
        })
    }
}

fn kind<'a>(row: &impl NamedRow<'a, Pg>) -> Read<EventKind> {
    let words = row.maybe_text("subject")?;
    let subject =
        words.map(|words| decode("subject", Subject::stored(&words))).transpose()?.flatten();
    let status = row.parsed("status", Status::parse)?;
    Ok(match row.text("kind")?.as_str() {
        "conversation_opened" => EventKind::ConversationOpened { subject, status },
        "conversation_updated" => EventKind::ConversationUpdated { subject, status },
        "conversation_deleted" => EventKind::ConversationDeleted,
        _ => decode("kind", None)?,
    })
}

// Entries store ids only: the rest of an event is read in its current state.

/// Salon, client, subject, status, newest position, and how much is unread by salon and client.
type HeadRow = (String, String, Option<String>, String, i64, (i64, i64));

/// A conversation, also a deleted one, and the data its entries refer to.
struct LogHydrator {
    id: ConversationId,
    parties: Parties,
    subject: Option<Subject>,
    status: Status,
    last_seq: Seq,
    messages: HashMap<String, Arc<Message>>,
    /// How many messages each side has not read by now.
    unread: PerSide<u64>,
}

impl LogHydrator {
    /// The conversation `id`, if it ever existed and `viewer` is a participant.
    async fn find(
        connection: &mut AsyncPgConnection,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<Self>, Failure> {
        use conversation::{
            client_id, last_seq, salon_id, status, subject, unread_by_client, unread_by_salon,
        };
        let is_party = salon_id.eq(viewer.as_str()).or(client_id.eq(viewer.as_str()));
        let found: Option<HeadRow> = conversation::table
            .find(id.as_str())
            .filter(is_party)
            .select((
                salon_id,
                client_id,
                subject,
                status,
                last_seq,
                (unread_by_salon, unread_by_client),
            ))
            .first(connection)
            .await
            .optional()?;
        let Some((salon, client, words, word, newest, unread)) = found else {
            return Ok(None);
        };
        let words = words.as_deref().map(Subject::stored).transpose();
        Ok(Some(Self {
            id: id.clone(),
            parties: parties_from(&salon, &client)?,
            subject: decoded("subject", words)?.flatten(),
            status: decoded("status", Status::parse(&word))?,
            last_seq: decoded("last_seq", Seq::new(newest))?,
            messages: HashMap::new(),
            unread: PerSide { salon: unread.0.unsigned_abs(), client: unread.1.unsigned_abs() },
        }))
    }

    /// Reads the data that `rows` refer to, as far as it still exists.
    async fn look_up(
        &mut self,
        connection: &mut AsyncPgConnection,
        rows: &[EventRow],
    ) -> Result<(), Failure> {
        let posted = rows.iter().filter(|row| row.kind == "message_posted");
        let ids: Vec<_> = posted.filter_map(|row| row.message_id.as_deref()).collect();
        let messages = by_ids(connection, &ids).await?.into_iter();
        self.messages =
            messages.map(|message| (message.id.to_string(), Arc::new(message))).collect();
        Ok(())
    }

    /// The event of `row`.
    fn event(&self, row: &EventRow) -> Result<Event, Failure> {
        let actor = decoded("actor_id", UserId::parse(&row.actor_id))?;
        Ok(Event {
            conversation: self.id.clone(),
            parties: self.parties.clone(),
            seq: decoded("seq", Seq::new(row.seq))?,
            at: row.at.0,
            kind: self.kind(row, &actor)?,
            actor,
        })
    }

    fn kind(&self, row: &EventRow, actor: &UserId) -> Result<EventKind, Failure> {
        Ok(match row.kind.as_str() {
            "conversation_opened" => {
                let (subject, status) = (self.subject.clone(), self.status);
                EventKind::ConversationOpened { subject, status }
            }
            "conversation_updated" => {
                let (subject, status) = (self.subject.clone(), self.status);
                EventKind::ConversationUpdated { subject, status }
            }
            "conversation_deleted" => EventKind::ConversationDeleted,
            "message_posted" => self.posted(message_id(row)?),
            "message_deleted" => EventKind::MessageDeleted(message_id(row)?),
            "messages_read" => EventKind::MessagesRead(self.receipt(row, actor)?),
            _ => decoded("kind", None)?,
        })
    }

    fn posted(&self, id: MessageId) -> EventKind {
        match self.messages.get(id.as_str()) {
            Some(message) => EventKind::MessagePosted(Arc::clone(message)),
            None => EventKind::MessageWithdrawn(id),
        }
    }

    fn receipt(&self, row: &EventRow, reader: &UserId) -> Result<ReadReceipt, Failure> {
        let side = decoded("actor_id", self.parties.side_of(reader))?;
        Ok(ReadReceipt {
            reader: reader.clone(),
            up_to: decoded("read_up_to", row.read_up_to.and_then(Seq::new))?,
            several: row.read_several == Some(true),
            unread: self.unread.of(side),
        })
    }
}

fn message_id(row: &EventRow) -> Result<MessageId, Failure> {
    decoded("message_id", row.message_id.as_deref().and_then(|id| MessageId::parse(id).ok()))
}
