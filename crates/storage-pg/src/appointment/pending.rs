//! Reports that wait, and setting one aside.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, sql_types::Text};
use diesel_async::RunQueryDsl;
use domain::{
    appointment::AppointmentEvent, id::AppointmentEventId, ports::PendingAppointmentEvent,
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{At, Record},
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
    Ok(found.optional()?.map(|Record(event)| event))
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
    Ok(found.optional()?.map(|Record(event)| event))
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
        .set(appointment_event::rejected_at.eq(Some(At(at))))
        .execute(&mut *connection)
        .await?;
    Ok(())
}
