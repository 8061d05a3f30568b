//! Applying an event: all that it does happens together, once, and only where it was decided for.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, result::Error, sql_types::Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    appointments::store::{
        AppliedAppointmentEvent, ApplyAppointmentEvent, NewestHandled, NoticePlace,
    },
    conversation::event::Event,
    ids::AppointmentEventId,
    time::Timestamp,
};

use super::say;
use crate::{
    failure::Failure,
    prepared::prepared,
    record::{PgTimestamp, Row},
    schema::appointment_event,
    store::PgStore,
};

const NEWEST_HANDLED: &str = "
SELECT id AS newest_id, occurred_at AS newest_at, kind AS newest_kind FROM messaging.appointment_event
WHERE salon_id = $1 AND appointment_id = $2
    AND handled_at IS NOT NULL AND kind NOT IN ('completed', 'no-show')
ORDER BY occurred_at DESC, id DESC LIMIT 1";

/// Why a transaction is undone.
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

/// Which salon's which booking.
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
    if let Some(NoticePlace::New(open)) = apply.change.as_ref().map(|change| &change.place) {
        store.remember_parties(&open.id, &open.parties);
    }
}

/// Locks the event, then the conversation; nothing locks them the other way round.
async fn change(
    connection: &mut AsyncPgConnection,
    apply: &ApplyAppointmentEvent,
) -> Result<Vec<Event>, ApplyError> {
    let booking =
        lock_unhandled(connection, &apply.event).await?.ok_or(ApplyError::AlreadyHandled)?;
    let events = match &apply.change {
        None => Vec::new(),
        Some(change) => say::say(connection, &booking, change, apply.at).await?,
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

/// The newest event of a booking that was handled. Asked with the conversation's lock in hand, it
/// stays so until the transaction ends.
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
