//! Conversations.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Bool, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::{
        ConversationView, Parties, Status, UnreadConversation,
        event::{Event, EventKind},
        message::{Message, MessageKind},
        store::{
            ConversationStore, EditConversation, OpenConversation, OpenOutcome, Opening, StatusEdit,
        },
    },
    ids::{AppointmentId, ConversationId, Seq, UserId},
    page::{ConversationCursor, Page, Window},
    participant::Participant,
    ports::StoreError,
    text::Subject,
    time::Timestamp,
};
use serde_json::Value;

use crate::{
    error::{Class, Failure},
    lists,
    lock::{self, Locked, parties_from},
    query::prepared,
    row::{FromColumns, PgTimestamp, Row, decode},
    schema::{conversation, message},
    store::{PgStore, run_to_completion, with_retry},
    uploads,
};

#[async_trait]
impl ConversationStore for PgStore {
    #[tracing::instrument(name = "db.conversation.open", skip_all, fields(conversation.id = %open.id))]
    async fn open_conversation(&self, open: &OpenConversation) -> Result<OpenOutcome, StoreError> {
        let outcome = with_retry(|| self::open(self, open)).await?;
        if matches!(outcome, OpenOutcome::Opened(_)) {
            self.remember_parties(&open.id, &open.parties);
        }
        Ok(outcome)
    }

    #[tracing::instrument(name = "db.conversation.parties", skip_all, fields(conversation.id = %id))]
    async fn parties(&self, id: &ConversationId) -> Result<Option<Parties>, StoreError> {
        if let Some(parties) = self.remembered_parties(id) {
            return Ok(Some(parties));
        }
        let found = with_retry(|| parties(self, id)).await?;
        if let Some(parties) = &found {
            self.remember_parties(id, parties);
        }
        Ok(found)
    }

    #[tracing::instrument(name = "db.conversation.find", skip_all, fields(conversation.id = %id))]
    async fn conversation(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<ConversationView>, StoreError> {
        with_retry(|| view(self, id, viewer)).await
    }

    #[tracing::instrument(name = "db.conversation.list", skip_all)]
    async fn conversations(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Result<Page<ConversationView, ConversationCursor>, StoreError> {
        with_retry(|| lists::page(self, viewer, status, window)).await
    }

    #[tracing::instrument(name = "db.conversation.unread", skip_all)]
    async fn unread_conversations(
        &self,
        viewer: &UserId,
        limit: u32,
    ) -> Result<Vec<UnreadConversation>, StoreError> {
        with_retry(|| lists::list(self, viewer, limit)).await
    }

    #[tracing::instrument(name = "db.conversation.edit", skip_all, fields(conversation.id = %edit.conversation))]
    async fn edit_conversation(
        &self,
        edit: &EditConversation,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let (store, edit) = (self.clone(), edit.clone());
        run_to_completion(move || self::edit(store.clone(), edit.clone())).await
    }

    #[tracing::instrument(name = "db.conversation.delete", skip_all, fields(conversation.id = %id))]
    async fn delete_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError> {
        let (store, gone, by) = (self.clone(), id.clone(), by.clone());
        let deleted =
            run_to_completion(move || delete(store.clone(), gone.clone(), by.clone(), at)).await?;
        self.forget_parties(id);
        Ok(deleted)
    }
}

// Opening a conversation.

/// How often the conflicting conversation may disappear before we read it.
const ATTEMPTS_MAX: usize = 3;

const OPEN: &str = include_str!("conversation/open.sql");

/// The result of the statement: whether it opened a conversation, and the author of the opening
/// message.
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

async fn open(store: &PgStore, open: &OpenConversation) -> Result<OpenOutcome, Failure> {
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

/// Opens a conversation, unless its booking has one or its id is taken.
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
    let id = id.map(|id| decode("id", ConversationId::parse(&id)));
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

// Changing subject and status.

async fn edit(store: PgStore, edit: EditConversation) -> Result<Option<Vec<Event>>, Failure> {
    let mut connection = store.connection().await?;
    connection.transaction(async |connection| change(connection, &edit).await).await
}

async fn change(
    connection: &mut AsyncPgConnection,
    edit: &EditConversation,
) -> Result<Option<Vec<Event>>, Failure> {
    let Some(locked) = Locked::take(connection, &edit.conversation, &edit.by).await? else {
        return Ok(None);
    };
    let subject = edit.subject.clone().unwrap_or_else(|| locked.subject.clone());
    let status = match edit.status {
        None => locked.status,
        Some(StatusEdit::Set(status)) => status,
        Some(StatusEdit::Toggle) => locked.status.toggled(),
    };
    if subject == locked.subject && status == locked.status {
        return Ok(Some(Vec::new()));
    }
    let kind = EventKind::ConversationUpdated { subject: subject.clone(), status };
    let event = locked.next_event(&edit.by, edit.at, kind);
    diesel::update(conversation::table.find(locked.id.as_str()))
        .set((
            conversation::subject.eq(subject.as_ref().map(Subject::as_str)),
            conversation::status.eq(status.as_str()),
            conversation::updated_at.eq(PgTimestamp(edit.at)),
            conversation::last_seq.eq(event.seq.get()),
        ))
        .execute(connection)
        .await?;
    lock::log(connection, &event).await?;
    Ok(Some(vec![event]))
}

// Deleting a conversation.

async fn delete(
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
    uploads::delete_files_of_conversation(connection, id, at).await?;
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

// One conversation.

const VIEW: &str = concat!(
    "WITH picked AS (
        SELECT * FROM messaging.conversation
        WHERE id = $2 AND deleted_at IS NULL AND $1 IN (salon_id, client_id)
    )",
    include_str!("conversation/view.sql"),
);

async fn parties(store: &PgStore, id: &ConversationId) -> Result<Option<Parties>, Failure> {
    let mut connection = store.connection().await?;
    let found: Option<(String, String)> = conversation::table
        .find(id.as_str())
        .filter(conversation::deleted_at.is_null())
        .select((conversation::salon_id, conversation::client_id))
        .first(&mut *connection)
        .await
        .optional()?;
    found.map(|(salon, client)| parties_from(&salon, &client)).transpose()
}

async fn view(
    store: &PgStore,
    id: &ConversationId,
    viewer: &UserId,
) -> Result<Option<ConversationView>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(VIEW)
        .bind::<Text, _>(viewer.as_str())
        .bind::<Text, _>(id.as_str())
        .get_result(&mut *connection)
        .await;
    Ok(found.optional()?.map(|Row(view)| view))
}
