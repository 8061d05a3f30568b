//! Read horizons. The work is done by `messaging.mark_read`.

use async_trait::async_trait;
use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Parties, Side,
        event::{Event, EventKind, ReadReceipt},
        store::{MarkRead, MarkedRead, ReadTarget, ReadingStore},
    },
    ids::{ConversationId, Seq, UserId},
    ports::StoreError,
    time::Timestamp,
};

use crate::{
    error::Failure,
    query::prepared,
    row::{Columns, PgTimestamp, decode, side_word},
    store::{PgStore, with_retry},
};

const MARK: &str = "SELECT * FROM messaging.mark_read($1, $2, $3, $4)";

const MARK_MESSAGES: &str = "SELECT messaging.mark_messages_read($1, $2, $3, $4, $5) AS total";

const TOTAL: &str = include_str!("reading/total.sql");

/// The result of the function for an existing conversation.
struct Row {
    parties: Parties,
    unread: u64,
    moved: Option<Moved>,
}

struct Moved {
    seq: Seq,
    up_to: Seq,
    several: bool,
}

impl QueryableByName<Pg> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let parties = Parties {
            salon: row.parsed("salon_id", UserId::parse)?,
            client: row.parsed("client_id", UserId::parse)?,
        };
        let seq = NamedRow::get::<Nullable<BigInt>, Option<i64>>(row, "seq")?;
        let moved = match seq {
            None => None,
            Some(seq) => {
                let several = NamedRow::get::<Bool, bool>(row, "read_several")?;
                let (seq, up_to) = (decode("seq", Seq::new(seq))?, row.seq("up_to")?);
                Some(Moved { seq, up_to, several })
            }
        };
        Ok(Self { parties, unread: row.count("unread")?, moved })
    }
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// Marks the messages of the salon side after `after` and up to `up_to` as read, and returns their
/// number. The conversation is locked.
pub(crate) async fn mark_messages_of_salon(
    connection: &mut AsyncPgConnection,
    conversation: &ConversationId,
    after: Seq,
    up_to: Seq,
    at: Timestamp,
) -> Result<u64, Failure> {
    let Total { total } = prepared(MARK_MESSAGES)
        .bind::<Text, _>(conversation.as_str())
        .bind::<Text, _>(side_word(Side::Salon))
        .bind::<BigInt, _>(after.get())
        .bind::<BigInt, _>(up_to.get())
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .get_result(connection)
        .await?;
    Ok(total.unsigned_abs())
}

#[async_trait]
impl ReadingStore for PgStore {
    #[tracing::instrument(name = "db.reading.mark", skip_all, fields(conversation.id = %mark.conversation))]
    async fn mark_read(&self, mark: &MarkRead) -> Result<Option<MarkedRead>, StoreError> {
        with_retry(|| mark_read(self, mark)).await
    }

    #[tracing::instrument(name = "db.reading.total", skip_all)]
    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError> {
        with_retry(|| total(self, reader)).await
    }
}

async fn mark_read(store: &PgStore, mark: &MarkRead) -> Result<Option<MarkedRead>, Failure> {
    let up_to = match mark.target {
        ReadTarget::Everything => i64::MAX,
        ReadTarget::UpTo(seq) => seq.get(),
    };
    let mut connection = store.connection().await?;
    let answer: Option<Row> = prepared(MARK)
        .bind::<Text, _>(mark.conversation.as_str())
        .bind::<Text, _>(mark.reader.as_str())
        .bind::<BigInt, _>(up_to)
        .bind::<Timestamptz, _>(PgTimestamp(mark.at))
        .get_result(&mut *connection)
        .await
        .optional()?;
    Ok(answer.map(|answer| marked(mark, answer)))
}

fn marked(mark: &MarkRead, answer: Row) -> MarkedRead {
    let Row { parties, unread, moved } = answer;
    let event = moved.map(|Moved { seq, up_to, several }| Event {
        conversation: mark.conversation.clone(),
        parties: parties.clone(),
        seq,
        at: mark.at,
        actor: mark.reader.clone(),
        kind: EventKind::MessagesRead(ReadReceipt {
            reader: mark.reader.clone(),
            up_to,
            several,
            unread,
        }),
    });
    MarkedRead { parties, unread, event }
}

async fn total(store: &PgStore, reader: &UserId) -> Result<u64, Failure> {
    let mut connection = store.connection().await?;
    let Total { total } =
        prepared(TOTAL).bind::<Text, _>(reader.as_str()).get_result(&mut *connection).await?;
    Ok(total.unsigned_abs())
}
