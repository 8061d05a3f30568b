use actix_web::{HttpResponse, web::Data};

use super::{program::Program, schema};
use crate::{
    failure::Failure,
    http::{Context, body::Body, command::to_the_end},
    input, wire,
};

/// Takes note of what happened to a booking. When this answers, the event is on disk; what it means
/// for the conversation follows at once, or as soon as the people are known.
#[utoipa::path(
    post, path = "/internal/appointments/events", tag = "appointments",
    operation_id = "reportAppointmentEvent",
    request_body = schema::AppointmentEvent,
    responses((status = 202, description = "It is stored, now or before", body = wire::Reported)),
)]
#[tracing::instrument(name = "http.appointment.report", skip_all)]
pub(crate) async fn receive(
    _program: Program,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let event = input::appointment_event(&body.fields().await?)?;
    let (messaging, id) = (context.messaging.clone(), event.id.clone());
    let received =
        to_the_end(async move { Ok(messaging.receive_appointment_event(&event).await?) });
    let state = if received.await?.known {
        wire::ReportState::Known
    } else {
        (context.wake)();
        wire::ReportState::Stored
    };
    Ok(HttpResponse::Accepted().json(wire::Reported { event_id: id.to_string(), state }))
}

#[cfg(test)]
mod tests;
