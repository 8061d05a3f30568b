//! Keeping a report.

use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Bool, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    appointments::{AppointmentEvent, store::ReceiveOutcome},
    ids::ConversationId,
    jobs::Task,
    time::{Timestamp, Zone},
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{FromColumns, PgTimestamp},
    store::PgStore,
};

const RECEIVE: &str = include_str!("receive.sql");

const KNOWN: &str = "
SELECT e.*, EXISTS (SELECT FROM messaging.erasure WHERE person_id = e.client_id) AS forgotten
FROM messaging.appointment_event AS e
WHERE e.id = $1";

/// Lets one transaction at a time reserve the id $1.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('conversation ' || $1, 0))";

/// Whether $1 is another conversation's than that of the salon $2 about the booking $3, or another booking's.
const TAKEN: &str = "
SELECT EXISTS (
    SELECT FROM messaging.conversation AS there
    WHERE there.id = $1 AND (there.salon_id, there.appointment_id) IS DISTINCT FROM ($2, $3)
) OR EXISTS (
    SELECT FROM messaging.appointment_event AS before
    WHERE before.wanted_conversation_id = $1 AND (before.salon_id, before.appointment_id) <> ($2, $3)
) AS is_taken";

struct Taken(bool);

impl QueryableByName<Pg> for Taken {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        NamedRow::get::<Bool, bool>(row, "is_taken").map(Self)
    }
}

/// What was reported under an id before.
struct Known {
    event: AppointmentEvent,
    /// Whether the client is forgotten, and their name with them.
    forgotten: bool,
}

impl QueryableByName<Pg> for Known {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let forgotten = NamedRow::get::<Bool, bool>(row, "forgotten")?;
        Ok(Self { event: AppointmentEvent::from_columns(row)?, forgotten })
    }
}

pub(super) async fn receive(
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

/// Whoever wants the same id waits until this is kept or not.
async fn reserve(
    connection: &mut AsyncPgConnection,
    event: &AppointmentEvent,
    wanted: &ConversationId,
    at: Timestamp,
) -> Result<ReceiveOutcome, Failure> {
    prepared(ALONE).bind::<Text, _>(wanted.as_str()).execute(connection).await?;
    let Taken(is_taken) = prepared(TAKEN)
        .bind::<Text, _>(wanted.as_str())
        .bind::<Text, _>(event.salon.as_str())
        .bind::<Text, _>(event.appointment.as_str())
        .get_result(connection)
        .await?;
    if !is_taken {
        return keep_or_compare(connection, event, at).await;
    }
    // What was kept before stays known, whatever became of the id.
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

/// What was reported under the id before, beside `event`; `None` when nothing was.
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
