//! Appointment reports, as the platform's booking service sends them.

use serde_json::{Value, json};

use crate::{
    Fault, database,
    person::Person,
    rest::{Answer, Rest},
    test_app::TestApp,
};

/// The path that receives reports.
pub const EVENTS: &str = "/internal/appointments/events";

/// The default start of a booking: 5 January 2026, 10:30 in Paris.
pub const STARTS_AT: &str = "2026-01-05T09:30:00.000Z";

/// One report.
#[derive(Clone, Debug)]
pub struct Report(Value);

impl Report {
    /// A report of this kind about a tattoo, with a new event id.
    pub fn new(kind: &str, appointment: &str, salon: &str, client: &str) -> Self {
        Self(json!({
            "eventId": database::id("event"),
            "kind": kind,
            "appointmentId": appointment,
            "salonId": salon,
            "clientUserId": client,
            "service": "TATTOO",
            "startsAt": STARTS_AT,
            "occurredAt": "2025-12-01T08:00:00.000Z",
        }))
    }

    /// The same report with one field changed.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }

    /// The body of the request.
    pub fn body(&self) -> &Value {
        &self.0
    }

    /// Sends it.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn send(&self, service: &Rest) -> Result<Answer, Fault> {
        service.post(EVENTS, &self.0).await
    }
}

/// The platform's booking service, as identified by its tokens.
pub fn booking_service() -> Person {
    Person::new("booking-service", "service").with("aud", "messaging")
}

/// Replaces the directory entry of a participant.
///
/// # Errors
/// When the server does not accept it.
pub async fn register(app: &TestApp, id: &str, entry: &Value) -> Result<(), Fault> {
    let service = app.rest(&booking_service())?;
    service.call("PUT", &format!("/internal/participants/{id}"), Some(entry)).await?.expect(204)?;
    Ok(())
}
