#[cfg(test)]
mod tests;
use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::schema;
use crate::{
    dto,
    error::Failure,
    http::{
        Context,
        extract::{Body, Program, run_to_completion},
    },
    input,
};

/// Reports an event of a booking. On success the event is stored durably; it is applied to the
/// conversation immediately, or as soon as both people are in the directory.
#[utoipa::path(
    post, path = "/internal/appointments/events", tag = "appointments",
    operation_id = "reportAppointmentEvent",
    request_body = schema::AppointmentEvent,
    responses((status = 202, description = "The event is stored", body = dto::Reported)),
)]
#[tracing::instrument(name = "http.appointment.report", skip_all)]
pub(crate) async fn receive(
    _program: Program,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let event = input::appointment_event(&body.fields().await?)?;
    let (appointments, id) = (context.services.appointments.clone(), event.id.clone());
    let received =
        run_to_completion(async move { Ok(appointments.receive_appointment_event(&event).await?) });
    let state = if received.await?.known {
        dto::ReportState::Known
    } else {
        (context.job_notifier)();
        dto::ReportState::Stored
    };
    Ok(HttpResponse::Accepted().json(dto::Reported { event_id: id.to_string(), state }))
}

/// Finds the conversations of a salon's bookings: ids and status. Bookings without a conversation and
/// bookings of other salons are omitted.
#[utoipa::path(
    get, path = "/internal/conversations", tag = "appointments",
    operation_id = "findConversationsOfBookings",
    params(
        ("salonId" = String, Query, min_length = 1, max_length = 64, description = "User id of the salon."),
        (
            "appointmentId" = Vec<String>, Query, min_items = 1, max_items = 100,
            description = "Booking ids: `appointmentId=a&appointmentId=b`.",
        ),
    ),
    responses((status = 200, description = "The conversations", body = dto::ConversationsOfBookings)),
)]
#[tracing::instrument(name = "http.appointment.conversations", skip_all)]
pub(crate) async fn conversations(
    _program: Program,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let (salon, bookings) = input::bookings_query(request.query_string())?;
    let found = context.services.appointments.conversations_of_bookings(&salon, &bookings).await?;
    let conversations = found.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(dto::ConversationsOfBookings { conversations }))
}
