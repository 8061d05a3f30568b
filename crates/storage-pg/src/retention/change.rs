//! Putting one conversation away, and emptying it. What is due is looked at again with its lock in hand.

use std::sync::Arc;

use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, Bool, Integer, Jsonb, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Parties, Status,
        event::{Event, EventKind},
        message::{Message, MessageKind},
    },
    ids::{MessageId, Seq, UserId},
    participant::Participant,
    retention::store::{ArchiveForAge, PurgeExpired, Purged},
    text::Subject,
};

use crate::{
    attachment,
    conversation::lock::stored,
    failure::Failure,
    participant,
    prepared::prepared,
    record::{Columns, PgTimestamp, good, message_ids, notice_as_json},
    store::PgStore,
};

const ARCHIVE: &str = "SELECT * FROM messaging.archive_for_age($1, $2, $3, $4, $5, $6)";
const EMPTY: &str = "SELECT * FROM messaging.empty_aged($1, $2, $3, $4, $5)";

/// A conversation that was put away, and the position of what was said of it.
struct Archived {
    parties: Parties,
    subject: Option<Subject>,
    seq: Seq,
}

/// The messages that were emptied; the last of them is told at `last_seq`.
struct Gone {
    parties: Parties,
    last_seq: Seq,
    messages: Vec<MessageId>,
    have_files: bool,
}

/// One statement, so it needs nobody to end it.
pub(super) async fn archive(
    store: &PgStore,
    archive: &ArchiveForAge,
) -> Result<Vec<Event>, Failure> {
    let mut connection = store.connection().await?;
    let archived: Option<Archived> = prepared(ARCHIVE)
        .bind::<Text, _>(archive.conversation.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(archive.quiet_since))
        .bind::<Text, _>(archive.notice.id.as_str())
        .bind::<Text, _>(archive.notice.content.as_str())
        .bind::<Jsonb, _>(notice_as_json(&archive.notice.notice))
        .bind::<Timestamptz, _>(PgTimestamp(archive.at))
        .get_result(&mut *connection)
        .await
        .optional()?;
    let Some(archived) = archived else { return Ok(Vec::new()) };
    let salon = participant::find_on(&mut connection, &archived.parties.salon).await?;
    told(archive, archived, stored("salon_id", salon)?)
}

fn told(
    archive: &ArchiveForAge,
    archived: Archived,
    salon: Participant,
) -> Result<Vec<Event>, Failure> {
    let Archived { parties, subject, seq } = archived;
    let event = |seq, kind| Event {
        conversation: archive.conversation.clone(),
        parties: parties.clone(),
        seq,
        at: archive.at,
        actor: parties.salon.clone(),
        kind,
    };
    let message = Message {
        id: archive.notice.id.clone(),
        conversation: archive.conversation.clone(),
        seq,
        author: salon,
        kind: MessageKind::System,
        content: archive.notice.content.clone(),
        notice: Some(archive.notice.notice.clone()),
        attachments: Vec::new(),
        created_at: archive.at,
        is_read: true,
        read_at: None,
    };
    let before = stored("seq", Seq::new(seq.get() - 1))?;
    let updated = EventKind::ConversationUpdated { subject, status: Status::Archived };
    Ok(vec![event(before, updated), event(seq, EventKind::MessagePosted(Arc::new(message)))])
}

pub(super) async fn empty(store: PgStore, empty: PurgeExpired) -> Result<Purged, Failure> {
    let mut connection = store.connection().await?;
    connection.transaction(async |connection| empty_some(connection, &empty).await).await
}

async fn empty_some(
    connection: &mut AsyncPgConnection,
    empty: &PurgeExpired,
) -> Result<Purged, Failure> {
    let messages_max = i32::try_from(empty.messages_max).unwrap_or(i32::MAX);
    let gone: Option<Gone> = prepared(EMPTY)
        .bind::<Text, _>(empty.conversation.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(empty.bounds.said_by))
        .bind::<Timestamptz, _>(PgTimestamp(empty.bounds.changed_by))
        .bind::<Integer, _>(messages_max)
        .bind::<Timestamptz, _>(PgTimestamp(empty.at))
        .get_result(connection)
        .await
        .optional()?;
    let Some(gone) = gone else { return Ok(Purged::default()) };
    let ids: Vec<_> = gone.messages.iter().map(MessageId::as_str).collect();
    let files = if gone.have_files {
        attachment::forget_those_of(connection, &ids, empty.at).await?
    } else {
        0
    };
    Ok(Purged { events: deleted(empty, gone)?, files })
}

fn deleted(empty: &PurgeExpired, gone: Gone) -> Result<Vec<Event>, Failure> {
    let count = i64::try_from(gone.messages.len()).unwrap_or(i64::MAX);
    let mut seq = stored("last_seq", Seq::new(gone.last_seq.get() - count))?;
    let events = gone.messages.into_iter().map(|id| {
        seq = seq.next();
        Event {
            conversation: empty.conversation.clone(),
            parties: gone.parties.clone(),
            seq,
            at: empty.at,
            actor: gone.parties.salon.clone(),
            kind: EventKind::MessageDeleted(id),
        }
    });
    Ok(events.collect())
}

fn parties<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Parties> {
    Ok(Parties {
        salon: row.parsed("salon_id", UserId::parse)?,
        client: row.parsed("client_id", UserId::parse)?,
    })
}

impl QueryableByName<Pg> for Archived {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let words = row.maybe_text("subject")?;
        let subject = words.map(|words| good("subject", Subject::stored(&words))).transpose()?;
        Ok(Self { parties: parties(row)?, subject: subject.flatten(), seq: row.seq("seq")? })
    }
}

impl QueryableByName<Pg> for Gone {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let ids = NamedRow::get::<Array<Text>, Vec<String>>(row, "message_ids")?;
        Ok(Self {
            parties: parties(row)?,
            last_seq: row.seq("last_seq")?,
            messages: message_ids(&ids)?,
            have_files: NamedRow::get::<Bool, bool>(row, "have_files")?,
        })
    }
}
