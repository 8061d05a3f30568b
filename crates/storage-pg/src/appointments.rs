//! Booking events reported by the platform (D17).

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, Bool, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    appointments::{
        AppointmentEvent, AppointmentEventKind, Service,
        store::{
            AppointmentStore, BookingConversation, ConversationOfBooking, NewestHandled,
            PendingAppointmentEvent, ReceiveOutcome,
        },
    },
    conversation::{Parties, Status},
    ids::{AppointmentEventId, AppointmentId, ConversationId, UserId},
    jobs::Task,
    ports::StoreError,
    text::Subject,
    time::{Timestamp, Zone},
};

use crate::{
    error::Failure,
    query::prepared,
    row::{Columns, FromColumns, PgTimestamp, Row},
    schema::appointment_event,
    store::{PgStore, run_to_completion, with_retry},
};

#[async_trait]
impl AppointmentStore for PgStore {
    #[tracing::instrument(name = "db.appointment.receive", skip_all, fields(event.id = %event.id))]
    async fn receive_appointment_event(
        &self,
        event: &AppointmentEvent,
        at: Timestamp,
    ) -> Result<ReceiveOutcome, StoreError> {
        let (store, event) = (self.clone(), event.clone());
        run_to_completion(move || {
            let (store, event) = (store.clone(), event.clone());
            async move { receive(&store, &event, at).await }
        })
        .await
    }

    #[tracing::instrument(name = "db.appointment.conversations", skip_all, fields(salon.id = %salon))]
    async fn conversations_of_bookings(
        &self,
        salon: &UserId,
        bookings: &[AppointmentId],
    ) -> Result<Vec<ConversationOfBooking>, StoreError> {
        with_retry(|| of_bookings(self, salon, bookings)).await
    }

    #[tracing::instrument(name = "db.appointment.pending", skip_all, fields(event.id = %id))]
    async fn pending_appointment_event(
        &self,
        id: &AppointmentEventId,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError> {
        with_retry(|| one(self, id)).await
    }

    #[tracing::instrument(
        name = "db.appointment.first_pending", skip_all, fields(appointment.id = %like.appointment)
    )]
    async fn first_pending_appointment_event(
        &self,
        like: &AppointmentEvent,
    ) -> Result<Option<PendingAppointmentEvent>, StoreError> {
        with_retry(|| first(self, like)).await
    }

    #[tracing::instrument(name = "db.appointment.settle", skip_all, fields(event.id = %id))]
    async fn settle_appointment_event(
        &self,
        id: &AppointmentEventId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| settle(self, id, at)).await
    }

    #[tracing::instrument(name = "db.appointment.reject", skip_all, fields(event.id = %id))]
    async fn reject_appointment_event(
        &self,
        id: &AppointmentEventId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| reject(self, id, at)).await
    }
}

// Pending events, and rejecting one.

const ONE: &str = concat!(
    "WITH picked AS (
        SELECT * FROM messaging.appointment_event WHERE id = $1 AND handled_at IS NULL
    )",
    include_str!("appointment/pending.sql"),
);

const FIRST: &str = concat!(
    "WITH picked AS (
        SELECT * FROM messaging.appointment_event
        WHERE salon_id = $1 AND appointment_id = $2 AND handled_at IS NULL AND rejected_at IS NULL
        ORDER BY occurred_at, id LIMIT 1
    )",
    include_str!("appointment/pending.sql"),
);

async fn one(
    store: &PgStore,
    id: &AppointmentEventId,
) -> Result<Option<PendingAppointmentEvent>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(ONE).bind::<Text, _>(id.as_str()).get_result(&mut *connection).await;
    Ok(found.optional()?.map(|Row(event)| event))
}

async fn first(
    store: &PgStore,
    like: &AppointmentEvent,
) -> Result<Option<PendingAppointmentEvent>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(FIRST)
        .bind::<Text, _>(like.salon.as_str())
        .bind::<Text, _>(like.appointment.as_str())
        .get_result(&mut *connection)
        .await;
    Ok(found.optional()?.map(|Row(event)| event))
}

/// The conversations of the salon $1 about the bookings $2.
const OF_BOOKINGS: &str = "
SELECT here.id, here.appointment_id, here.status, here.last_message_at FROM messaging.conversation AS here
WHERE here.salon_id = $1 AND here.appointment_id = ANY ($2) AND here.deleted_at IS NULL
ORDER BY here.appointment_id";

async fn of_bookings(
    store: &PgStore,
    salon: &UserId,
    bookings: &[AppointmentId],
) -> Result<Vec<ConversationOfBooking>, Failure> {
    let bookings: Vec<_> = bookings.iter().map(AppointmentId::as_str).collect();
    let mut connection = store.connection().await?;
    let found: Vec<Row<ConversationOfBooking>> = prepared(OF_BOOKINGS)
        .bind::<Text, _>(salon.as_str())
        .bind::<Array<Text>, _>(bookings)
        .load(&mut *connection)
        .await?;
    Ok(found.into_iter().map(|Row(one)| one).collect())
}

async fn settle(store: &PgStore, id: &AppointmentEventId, at: Timestamp) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    let unhandled =
        appointment_event::table.find(id.as_str()).filter(appointment_event::handled_at.is_null());
    diesel::update(unhandled)
        .set((
            appointment_event::handled_at.eq(Some(PgTimestamp(at))),
            appointment_event::rejected_at.eq(None::<PgTimestamp>),
        ))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn reject(store: &PgStore, id: &AppointmentEventId, at: Timestamp) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    diesel::update(appointment_event::table.find(id.as_str()))
        .filter(appointment_event::handled_at.is_null())
        .filter(appointment_event::rejected_at.is_null())
        .set(appointment_event::rejected_at.eq(Some(PgTimestamp(at))))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

// Storing a report.

const RECEIVE: &str = include_str!("appointment/receive.sql");

const KNOWN: &str = "
SELECT e.*, EXISTS (SELECT FROM messaging.erasure WHERE person_id = e.client_id) AS forgotten
FROM messaging.appointment_event AS e
WHERE e.id = $1";

/// Serialises transactions that reserve an id for the booking $2 of the salon $1, and those that
/// reserve the id $1. Every transaction takes these locks in this order.
const LOCK_BOOKING: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('booking ' || $1 || ' ' || $2, 0))";
const LOCK_ID: &str = "SELECT pg_advisory_xact_lock(hashtextextended('conversation ' || $1, 0))";

const TAKEN: &str = include_str!("appointment/taken.sql");

struct Taken(bool);

impl QueryableByName<Pg> for Taken {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        NamedRow::get::<Bool, bool>(row, "is_taken").map(Self)
    }
}

/// An earlier report with the same id.
struct Known {
    event: AppointmentEvent,
    /// Whether the client is forgotten, including their name.
    forgotten: bool,
}

impl QueryableByName<Pg> for Known {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let forgotten = NamedRow::get::<Bool, bool>(row, "forgotten")?;
        Ok(Self { event: AppointmentEvent::from_columns(row)?, forgotten })
    }
}

async fn receive(
    store: &PgStore,
    event: &AppointmentEvent,
    at: Timestamp,
) -> Result<ReceiveOutcome, Failure> {
    let mut connection = store.connection().await?;
    match &event.conversation {
        None => keep_or_compare(&mut connection, event, at).await,
        Some(wanted) => {
            connection
                .transaction(async |connection| reserve(connection, event, wanted, at).await)
                .await
        }
    }
}

/// Stores the event if its requested conversation id is available. Others that request the same id,
/// or another id for the same booking, wait for the outcome.
async fn reserve(
    connection: &mut AsyncPgConnection,
    event: &AppointmentEvent,
    wanted: &ConversationId,
    at: Timestamp,
) -> Result<ReceiveOutcome, Failure> {
    prepared(LOCK_BOOKING)
        .bind::<Text, _>(event.salon.as_str())
        .bind::<Text, _>(event.appointment.as_str())
        .execute(connection)
        .await?;
    prepared(LOCK_ID).bind::<Text, _>(wanted.as_str()).execute(connection).await?;
    let Taken(is_taken) = prepared(TAKEN)
        .bind::<Text, _>(wanted.as_str())
        .bind::<Text, _>(event.salon.as_str())
        .bind::<Text, _>(event.appointment.as_str())
        .get_result(connection)
        .await?;
    if !is_taken {
        return keep_or_compare(connection, event, at).await;
    }
    // An event stored before stays known, whatever happened to the id.
    let known = compare(connection, event).await?;
    Ok(known.unwrap_or(ReceiveOutcome::ConversationIdTaken))
}

async fn keep_or_compare(
    connection: &mut AsyncPgConnection,
    event: &AppointmentEvent,
    at: Timestamp,
) -> Result<ReceiveOutcome, Failure> {
    if keep(connection, event, at).await? {
        return Ok(ReceiveOutcome::Stored);
    }
    let known = compare(connection, event).await?;
    known.ok_or_else(|| diesel::result::Error::NotFound.into())
}

/// Compares `event` with the stored report of the same id; `None` when there is none.
async fn compare(
    connection: &mut AsyncPgConnection,
    event: &AppointmentEvent,
) -> Result<Option<ReceiveOutcome>, Failure> {
    let known: Option<Known> = prepared(KNOWN)
        .bind::<Text, _>(event.id.as_str())
        .get_result(connection)
        .await
        .optional()?;
    let same = |known: Known| says_the_same(&known, event);
    Ok(known.map(
        |known| if same(known) { ReceiveOutcome::Known } else { ReceiveOutcome::Contradicted },
    ))
}

async fn keep(
    connection: &mut AsyncPgConnection,
    event: &AppointmentEvent,
    at: Timestamp,
) -> Result<bool, Failure> {
    let job = Task::HandleAppointmentEvent(event.id.clone());
    let kept = prepared(RECEIVE)
        .bind::<Text, _>(event.id.as_str())
        .bind::<Text, _>(event.salon.as_str())
        .bind::<Text, _>(event.client.as_str())
        .bind::<Text, _>(event.appointment.as_str())
        .bind::<Text, _>(event.kind.as_str())
        .bind::<Text, _>(event.service.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(event.starts_at))
        .bind::<Nullable<Timestamptz>, _>(event.previous_starts_at.map(PgTimestamp))
        .bind::<Nullable<Text>, _>(event.client_first_name.as_deref())
        .bind::<Nullable<Text>, _>(event.zone.as_ref().map(Zone::as_str))
        .bind::<Timestamptz, _>(PgTimestamp(event.occurred_at))
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Text, _>(job.kind())
        .bind::<Nullable<Text>, _>(event.conversation.as_ref().map(ConversationId::as_str))
        .execute(connection)
        .await?;
    Ok(kept > 0)
}

fn says_the_same(known: &Known, event: &AppointmentEvent) -> bool {
    if !known.forgotten {
        return known.event == *event;
    }
    let nameless =
        |event: &AppointmentEvent| AppointmentEvent { client_first_name: None, ..event.clone() };
    nameless(&known.event) == nameless(event)
}

// Rows of reports.

impl FromColumns for AppointmentEvent {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            id: row.parsed("id", AppointmentEventId::parse)?,
            appointment: row.parsed("appointment_id", AppointmentId::parse)?,
            salon: row.parsed("salon_id", UserId::parse)?,
            client: row.parsed("client_id", UserId::parse)?,
            kind: row.parsed("kind", AppointmentEventKind::parse)?,
            service: row.parsed("service", Service::parse)?,
            starts_at: row.at("starts_at")?,
            previous_starts_at: row.maybe_at("previous_starts_at")?,
            client_first_name: row.maybe_text("client_first_name")?,
            zone: row.maybe_parsed("zone", Zone::parse)?,
            occurred_at: row.at("occurred_at")?,
            conversation: row.maybe_parsed("wanted_conversation_id", ConversationId::parse)?,
        })
    }
}

impl FromColumns for PendingAppointmentEvent {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            event: AppointmentEvent::from_columns(row)?,
            conversation: match row.maybe_text("conversation_id")? {
                Some(_) => Some(conversation(row)?),
                None => None,
            },
            free_id: row.maybe_parsed("free_conversation_id", ConversationId::parse)?,
            newest_handled: match row.maybe_text("newest_id")? {
                Some(_) => Some(NewestHandled::from_columns(row)?),
                None => None,
            },
        })
    }
}

impl FromColumns for NewestHandled {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let kind = row.parsed("newest_kind", AppointmentEventKind::parse)?;
        Ok(Self {
            event: row.parsed("newest_id", AppointmentEventId::parse)?,
            occurred_at: row.at("newest_at")?,
            cancelled: kind == AppointmentEventKind::Cancelled,
        })
    }
}

impl FromColumns for ConversationOfBooking {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            appointment: row.parsed("appointment_id", AppointmentId::parse)?,
            conversation: row.parsed("id", ConversationId::parse)?,
            status: row.parsed("status", Status::parse)?,
            last_message_at: row.at("last_message_at")?,
        })
    }
}

fn conversation<'a>(row: &impl NamedRow<'a, Pg>) -> Read<BookingConversation> {
    Ok(BookingConversation {
        id: row.parsed("conversation_id", ConversationId::parse)?,
        // The booking belongs to the salon, so the salon is the same.
        parties: Parties {
            salon: row.parsed("salon_id", UserId::parse)?,
            client: row.parsed("conversation_client_id", UserId::parse)?,
        },
        subject: row.maybe_parsed("conversation_subject", Subject::stored)?.flatten(),
    })
}
