//! Applies an event in one transaction, once, and only in the state it was decided for.

use std::sync::Arc;

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, result::Error, sql_types::Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    appointments::store::{
        AppliedAppointmentEvent, ApplyAppointmentEvent, AppointmentChange, NewestHandled,
        NoticeTarget,
    },
    conversation::{
        Side, Status,
        event::{Event, EventKind, ReadReceipt},
        message::{Message, MessageKind},
        store::OpenConversation,
    },
    ids::{AppointmentEventId, Seq, UserId},
    participant::Participant,
    text::Subject,
    time::Timestamp,
};

use crate::{
    conversation::try_open,
    error::Failure,
    lock::{self, Locked, decoded},
    mark_read::mark_messages_of_salon,
    participants,
    query::prepared,
    row::{PgTimestamp, Row, notice_as_json, side_word},
    schema::{appointment_event, conversation, message},
    store::PgStore,
};

const NEWEST_HANDLED: &str = "
SELECT id AS newest_id, occurred_at AS newest_at, kind AS newest_kind FROM messaging.appointment_event
WHERE salon_id = $1 AND appointment_id = $2
    AND handled_at IS NOT NULL AND kind NOT IN ('completed', 'no-show')
ORDER BY occurred_at DESC, id DESC LIMIT 1";

/// Why a transaction is rolled back.
pub(super) enum ApplyError {
    AlreadyHandled,
    LeaseLost,
    Failed(Failure),
}

impl From<Failure> for ApplyError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for ApplyError {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

/// A salon's booking.
pub(super) struct Booking {
    pub(super) salon: String,
    pub(super) appointment: String,
}

pub(super) async fn apply(
    store: PgStore,
    apply: ApplyAppointmentEvent,
) -> Result<AppliedAppointmentEvent, Failure> {
    let mut connection = store.connection().await?;
    let applied = connection.transaction(async |connection| change(connection, &apply).await).await;
    match applied {
        Ok(events) => {
            remember(&store, &apply);
            Ok(AppliedAppointmentEvent::Applied(events))
        }
        Err(ApplyError::AlreadyHandled) => Ok(AppliedAppointmentEvent::AlreadyHandled),
        Err(ApplyError::LeaseLost) => Ok(AppliedAppointmentEvent::LeaseLost),
        Err(ApplyError::Failed(failure)) => Err(failure),
    }
}

fn remember(store: &PgStore, apply: &ApplyAppointmentEvent) {
    if let Some(NoticeTarget::New(open)) = apply.change.as_ref().map(|change| &change.target) {
        store.remember_parties(&open.id, &open.parties);
    }
}

/// Locks the event, then the conversation; this order is used everywhere.
async fn change(
    connection: &mut AsyncPgConnection,
    apply: &ApplyAppointmentEvent,
) -> Result<Vec<Event>, ApplyError> {
    let booking =
        lock_unhandled(connection, &apply.event).await?.ok_or(ApplyError::AlreadyHandled)?;
    let events = match &apply.change {
        None => Vec::new(),
        Some(change) => post_notice(connection, &booking, change, apply.at).await?,
    };
    settle(connection, &apply.event, apply.at).await?;
    Ok(events)
}

async fn lock_unhandled(
    connection: &mut AsyncPgConnection,
    id: &AppointmentEventId,
) -> Result<Option<Booking>, Failure> {
    let found: Option<(String, String)> = appointment_event::table
        .find(id.as_str())
        .filter(appointment_event::handled_at.is_null())
        .select((appointment_event::salon_id, appointment_event::appointment_id))
        .for_update()
        .first(connection)
        .await
        .optional()?;
    Ok(found.map(|(salon, appointment)| Booking { salon, appointment }))
}

/// The newest handled event of a booking. Read under the conversation's lock, so it stays valid
/// until the transaction ends.
pub(super) async fn newest_handled(
    connection: &mut AsyncPgConnection,
    booking: &Booking,
) -> Result<Option<NewestHandled>, Failure> {
    let found = prepared(NEWEST_HANDLED)
        .bind::<Text, _>(booking.salon.as_str())
        .bind::<Text, _>(booking.appointment.as_str())
        .get_result(connection)
        .await;
    Ok(found.optional()?.map(|Row(newest)| newest))
}

async fn settle(
    connection: &mut AsyncPgConnection,
    id: &AppointmentEventId,
    at: Timestamp,
) -> Result<(), Failure> {
    diesel::update(appointment_event::table.find(id.as_str()))
        .set((
            appointment_event::handled_at.eq(Some(PgTimestamp(at))),
            appointment_event::rejected_at.eq(None::<PgTimestamp>),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

// Posting notices in the salon's name.

/// A locked conversation.
struct NoticeTx {
    here: Locked,
    salon: Participant,
    events: Vec<Event>,
}

/// Posts the notice of an event in its conversation, and returns the events in order.
pub(super) async fn post_notice(
    connection: &mut AsyncPgConnection,
    booking: &Booking,
    change: &AppointmentChange,
    at: Timestamp,
) -> Result<Vec<Event>, ApplyError> {
    let mut tx = match &change.target {
        NoticeTarget::New(open) => open_one(connection, open, change.status).await?,
        NoticeTarget::In(id) => {
            let salon = decoded("salon_id", UserId::parse(&booking.salon))?;
            let here = Locked::take(connection, id, &salon).await?.ok_or(ApplyError::LeaseLost)?;
            let salon = participants::find_on(connection, &salon).await?;
            NoticeTx { here, salon: decoded("salon_id", salon)?, events: Vec::new() }
        }
    };
    if newest_handled(connection, booking).await? != change.newest_handled {
        return Err(ApplyError::LeaseLost);
    }
    tx.update_head(connection, change, at).await?;
    let posted = tx.post(connection, change, at).await?;
    if change.read_on_arrival {
        tx.read(connection, &posted, at).await?;
    }
    tx.save_head(connection, &posted, at).await?;
    Ok(tx.events)
}

async fn open_one(
    connection: &mut AsyncPgConnection,
    open: &OpenConversation,
    status: Status,
) -> Result<NoticeTx, ApplyError> {
    let opened = try_open(connection, open, status).await?;
    if !opened.opened {
        return Err(ApplyError::LeaseLost);
    }
    let mut here = Locked {
        id: open.id.clone(),
        parties: open.parties.clone(),
        subject: open.subject.clone(),
        status,
        last_seq: Seq::ZERO,
        client_read_seq: Seq::ZERO,
        salon_message_seq: Seq::ZERO,
        created_at: open.at,
    };
    let kind = EventKind::ConversationOpened { subject: open.subject.clone(), status };
    let event = here.next_event(&open.parties.salon, open.at, kind);
    here.last_seq = event.seq;
    Ok(NoticeTx { here, salon: opened.salon, events: vec![event] })
}

impl NoticeTx {
    /// Logs the next event.
    async fn append(
        &mut self,
        connection: &mut AsyncPgConnection,
        actor: &UserId,
        at: Timestamp,
        kind: EventKind,
    ) -> Result<(), Failure> {
        let event = self.here.next_event(actor, at, kind);
        lock::log(connection, &event).await?;
        self.here.last_seq = event.seq;
        self.events.push(event);
        Ok(())
    }

    /// Updates subject and status.
    async fn update_head(
        &mut self,
        connection: &mut AsyncPgConnection,
        change: &AppointmentChange,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let subject = match &change.subject {
            Some((old, new)) if self.here.subject.as_ref() == Some(old) => Some(new.clone()),
            _ => self.here.subject.clone(),
        };
        if subject == self.here.subject && change.status == self.here.status {
            return Ok(());
        }
        (self.here.subject, self.here.status) = (subject.clone(), change.status);
        let kind = EventKind::ConversationUpdated { subject, status: change.status };
        let salon = self.salon.id.clone();
        self.append(connection, &salon, at, kind).await
    }

    async fn post(
        &mut self,
        connection: &mut AsyncPgConnection,
        change: &AppointmentChange,
        at: Timestamp,
    ) -> Result<Arc<Message>, Failure> {
        let message = Arc::new(Message {
            id: change.notice.id.clone(),
            conversation: self.here.id.clone(),
            seq: self.here.last_seq.next(),
            author: self.salon.clone(),
            kind: MessageKind::System,
            content: change.notice.content.clone(),
            notice: Some(change.notice.notice.clone()),
            attachments: Vec::new(),
            created_at: at,
            is_read: change.read_on_arrival,
            read_at: change.read_on_arrival.then_some(at),
        });
        insert(connection, &message).await?;
        let kind = EventKind::MessagePosted(Arc::clone(&message));
        self.append(connection, &message.author.id, at, kind).await?;
        Ok(message)
    }

    /// The client is watching: marks the message and earlier unread ones as read.
    async fn read(
        &mut self,
        connection: &mut AsyncPgConnection,
        posted: &Message,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let mut several = false;
        if self.here.salon_message_seq > self.here.client_read_seq {
            let (id, after) = (&self.here.id, self.here.client_read_seq);
            let up_to = self.here.salon_message_seq;
            several = mark_messages_of_salon(connection, id, after, up_to, at).await? > 0;
        }
        self.here.client_read_seq = posted.seq;
        let reader = self.here.parties.client.clone();
        let receipt = ReadReceipt { reader: reader.clone(), up_to: posted.seq, several, unread: 0 };
        let event = self.here.next_event(&reader, at, EventKind::MessagesRead(receipt));
        lock::log(connection, &event).await?;
        self.here.last_seq = event.seq;
        self.events.push(event);
        Ok(())
    }

    /// Writes the state of the conversation.
    async fn save_head(
        &self,
        connection: &mut AsyncPgConnection,
        posted: &Message,
        at: Timestamp,
    ) -> Result<(), Failure> {
        diesel::update(conversation::table.find(self.here.id.as_str()))
            .set((
                conversation::subject.eq(self.here.subject.as_ref().map(Subject::as_str)),
                conversation::status.eq(self.here.status.as_str()),
                conversation::updated_at.eq(PgTimestamp(at)),
                conversation::last_message_at.eq(PgTimestamp(at)),
                conversation::last_seq.eq(self.here.last_seq.get()),
                conversation::message_count.eq(conversation::message_count + 1),
                conversation::salon_message_seq.eq(posted.seq.get()),
                conversation::client_read_seq.eq(self.here.client_read_seq.get()),
            ))
            .execute(connection)
            .await?;
        Ok(())
    }
}

async fn insert(connection: &mut AsyncPgConnection, posted: &Message) -> Result<(), Failure> {
    diesel::insert_into(message::table)
        .values((
            message::id.eq(posted.id.as_str()),
            message::conversation_id.eq(posted.conversation.as_str()),
            message::seq.eq(posted.seq.get()),
            message::author_side.eq(side_word(Side::Salon)),
            message::kind.eq(posted.kind.as_str()),
            message::content.eq(posted.content.as_str()),
            message::attachment_count.eq(0),
            message::notice.eq(posted.notice.as_ref().map(notice_as_json)),
            message::created_at.eq(PgTimestamp(posted.created_at)),
            message::read_at.eq(posted.read_at.map(PgTimestamp)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}
