//! Reports that wait, and setting one aside.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl,
    sql_types::{Array, Text},
};
use diesel_async::RunQueryDsl;
use domain::{
    appointments::{
        AppointmentEvent,
        store::{ConversationOfBooking, PendingAppointmentEvent},
    },
    ids::{AppointmentEventId, AppointmentId, UserId},
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{PgTimestamp, Row},
    schema::appointment_event,
    store::PgStore,
};

const ONE: &str = concat!(
    "WITH picked AS (
        SELECT * FROM messaging.appointment_event WHERE id = $1 AND handled_at IS NULL
    )",
    include_str!("pending.sql"),
);

const FIRST: &str = concat!(
    "WITH picked AS (
        SELECT * FROM messaging.appointment_event
        WHERE salon_id = $1 AND appointment_id = $2 AND handled_at IS NULL AND rejected_at IS NULL
        ORDER BY occurred_at, id LIMIT 1
    )",
    include_str!("pending.sql"),
);

pub(super) async fn one(
    store: &PgStore,
    id: &AppointmentEventId,
) -> Result<Option<PendingAppointmentEvent>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(ONE).bind::<Text, _>(id.as_str()).get_result(&mut *connection).await;
    Ok(found.optional()?.map(|Row(event)| event))
}

pub(super) async fn first(
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

pub(super) async fn of_bookings(
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

pub(super) async fn reject(
    store: &PgStore,
    id: &AppointmentEventId,
    at: Timestamp,
) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    diesel::update(appointment_event::table.find(id.as_str()))
        .filter(appointment_event::handled_at.is_null())
        .filter(appointment_event::rejected_at.is_null())
        .set(appointment_event::rejected_at.eq(Some(PgTimestamp(at))))
        .execute(&mut *connection)
        .await?;
    Ok(())
}
