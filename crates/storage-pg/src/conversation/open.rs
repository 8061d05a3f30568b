//! Opening a conversation.

use std::sync::Arc;

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Bool, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        Status,
        event::{Event, EventKind},
        message::{Message, MessageKind},
        store::{OpenConversation, OpenOutcome, Opening},
    },
    ids::{AppointmentId, ConversationId, Seq},
    participant::Participant,
    text::Subject,
};

use crate::{
    failure::{Class, Failure},
    prepared::prepared,
    record::{FromColumns, PgTimestamp, good},
    schema::conversation,
    store::PgStore,
};

/// How often the conversation that stood in the way may be gone when we look for it.
const ATTEMPTS_MAX: usize = 3;

const OPEN: &str = include_str!("open.sql");

/// What the statement returns: whether it opened anything, and who speaks first.
pub(crate) struct Opened {
    pub(crate) opened: bool,
    pub(crate) salon: Participant,
}

impl QueryableByName<Pg> for Opened {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let opened = NamedRow::get::<Bool, bool>(row, "opened")?;
        Ok(Self { opened, salon: Participant::from_columns(row)? })
    }
}

pub(super) async fn open(store: &PgStore, open: &OpenConversation) -> Result<OpenOutcome, Failure> {
    let mut connection = store.connection().await?;
    for _ in 0..ATTEMPTS_MAX {
        let Opened { opened, salon } = try_open(&mut connection, open, Status::Active).await?;
        if opened {
            return Ok(OpenOutcome::Opened(events(open, salon)));
        }
        if let Some(id) = find(&mut connection, open).await? {
            return Ok(OpenOutcome::AlreadyOpen(id));
        }
    }
    Err(Failure::new(Class::Busy, "the booking's conversation is opened and deleted all the time"))
}

/// Opens a conversation, unless its booking has one or another one has its id.
pub(crate) async fn try_open(
    connection: &mut AsyncPgConnection,
    open: &OpenConversation,
    status: Status,
) -> Result<Opened, Failure> {
    let opening = open.opening.as_ref();
    let opened = prepared(OPEN)
        .bind::<Text, _>(open.id.as_str())
        .bind::<Text, _>(open.parties.salon.as_str())
        .bind::<Text, _>(open.parties.client.as_str())
        .bind::<Nullable<Text>, _>(open.appointment.as_ref().map(AppointmentId::as_str))
        .bind::<Nullable<Text>, _>(open.subject.as_ref().map(Subject::as_str))
        .bind::<Timestamptz, _>(PgTimestamp(open.at))
        .bind::<Nullable<Text>, _>(opening.map(|opening| opening.id.as_str()))
        .bind::<Nullable<Text>, _>(opening.map(|opening| opening.content.as_str()))
        .bind::<Text, _>(status.as_str())
        .get_result(connection)
        .await?;
    Ok(opened)
}

async fn find(
    connection: &mut AsyncPgConnection,
    open: &OpenConversation,
) -> Result<Option<ConversationId>, Failure> {
    let id: Option<String> = conversation::table
        .filter(conversation::salon_id.eq(open.parties.salon.as_str()))
        .filter(
            conversation::appointment_id.eq(open.appointment.as_ref().map(AppointmentId::as_str)),
        )
        .filter(conversation::deleted_at.is_null())
        .select(conversation::id)
        .first(connection)
        .await
        .optional()?;
    let id = id.map(|id| good("id", ConversationId::parse(&id)));
    Ok(id.transpose().map_err(diesel::result::Error::DeserializationError)?)
}

fn events(open: &OpenConversation, salon: Participant) -> Vec<Event> {
    let event = |seq, kind| Event {
        conversation: open.id.clone(),
        parties: open.parties.clone(),
        seq,
        at: open.at,
        actor: open.parties.salon.clone(),
        kind,
    };
    let first = Seq::ZERO.next();
    let opened =
        EventKind::ConversationOpened { subject: open.subject.clone(), status: Status::Active };
    let mut events = vec![event(first, opened)];
    if let Some(opening) = &open.opening {
        let message = opening_message(open, opening, salon, first.next());
        events.push(event(first.next(), EventKind::MessagePosted(Arc::new(message))));
    }
    events
}

fn opening_message(
    open: &OpenConversation,
    opening: &Opening,
    salon: Participant,
    seq: Seq,
) -> Message {
    Message {
        id: opening.id.clone(),
        conversation: open.id.clone(),
        seq,
        author: salon,
        kind: MessageKind::System,
        content: opening.content.clone(),
        notice: None,
        attachments: Vec::new(),
        created_at: open.at,
        is_read: false,
        read_at: None,
    }
}
