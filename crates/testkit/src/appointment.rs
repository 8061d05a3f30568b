//! Reports about bookings, as the platform's booking service sends them.

use serde_json::{Value, json};

use crate::{
    Fault, database,
    person::Person,
    rest::{Answer, Rest},
    test_app::TestApp,
};

/// Where reports go.
pub const EVENTS: &str = "/internal/appointments/events";

/// When the booking begins, unless a report says otherwise: 5 January 2026, 10:30 in Paris.
pub const STARTS_AT: &str = "2026-01-05T09:30:00.000Z";

/// One report.
#[derive(Clone, Debug)]
pub struct Report(Value);

impl Report {
    /// A report of this kind about a tattoo, under an id of its own.
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

    /// The same report with another value in one field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }

    /// What is sent.
    pub fn body(&self) -> &Value {
        &self.0
    }

    /// Sends it.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(&self, service: &Rest) -> Result<Answer, Fault> {
        service.post(EVENTS, &self.0).await
    }
}

/// A program of the platform, as its tokens name it.
pub fn booking_service() -> Person {
    Person::new("booking-service", "service").with("aud", "messaging")
}

/// The directory's entry of somebody, replaced wholly by this.
///
/// # Errors
/// When the server does not take it.
pub async fn register(app: &TestApp, id: &str, entry: &Value) -> Result<(), Fault> {
    let service = app.rest(&booking_service())?;
    service.call("PUT", &format!("/internal/participants/{id}"), Some(entry)).await?.expect(204)?;
    Ok(())
}
