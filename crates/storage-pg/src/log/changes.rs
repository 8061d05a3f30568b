//! What became of a person's conversations.

use diesel::{
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    conversation::{
        Parties, Status,
        event::{Event, EventKind},
    },
    ids::{ConversationId, UserId},
    text::Subject,
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns as _, FromColumns, PgTimestamp, Row, good},
    store::PgStore,
};

const SINCE: &str = include_str!("changes.sql");

pub(super) async fn since(
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
        words.map(|words| good("subject", Subject::stored(&words))).transpose()?.flatten();
    let status = row.parsed("status", Status::parse)?;
    Ok(match row.text("kind")?.as_str() {
        "conversation_opened" => EventKind::ConversationOpened { subject, status },
        "conversation_updated" => EventKind::ConversationUpdated { subject, status },
        "conversation_deleted" => EventKind::ConversationDeleted,
        _ => good("kind", None)?,
    })
}
