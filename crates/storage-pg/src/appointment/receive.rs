//! Keeping a report.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Bool, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    appointment::AppointmentEvent, job::Task, ports::Reception, time::Timestamp, zone::Zone,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{At, FromColumns},
    store::PgStore,
};

const RECEIVE: &str = include_str!("receive.sql");

const KNOWN: &str = "
SELECT e.*, EXISTS (SELECT FROM messaging.erasure WHERE person_id = e.client_id) AS forgotten
FROM messaging.appointment_event AS e
WHERE e.id = $1";

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
) -> Result<Reception, Failure> {
    let mut connection = store.connection().await?;
    if keep(&mut connection, event, at).await? {
        return Ok(Reception::Stored);
    }
    let known: Known =
        prepared(KNOWN).bind::<Text, _>(event.id.as_str()).get_result(&mut *connection).await?;
    Ok(if says_the_same(&known, event) { Reception::Known } else { Reception::Contradicted })
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
        .bind::<Timestamptz, _>(At(event.starts_at))
        .bind::<Nullable<Timestamptz>, _>(event.previous_starts_at.map(At))
        .bind::<Nullable<Text>, _>(event.client_first_name.as_deref())
        .bind::<Nullable<Text>, _>(event.zone.as_ref().map(Zone::as_str))
        .bind::<Timestamptz, _>(At(event.occurred_at))
        .bind::<Timestamptz, _>(At(at))
        .bind::<Text, _>(job.kind())
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
