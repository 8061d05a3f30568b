use super::Messaging;
use crate::{
    appointment::{AppointmentEvent, AppointmentEventError},
    ports::{ReceiveOutcome, StoreError},
};

/// A report that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Whether it was there already: this was a retry.
    pub known: bool,
}

/// Why a report was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveAppointmentEventError {
    /// It is no event.
    #[error("this is no event")]
    Invalid(#[from] AppointmentEventError),
    /// Another event was reported under this id before.
    #[error("this id names another event")]
    Contradicted,
    /// The id that it brings is another conversation's, or was brought for another booking before.
    #[error("this id is another conversation's")]
    ConversationIdTaken,
    /// The store failed. The report may be there or not when it was [`StoreError::Unavailable`]:
    /// report it again.
    #[error("the event could not be stored")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Takes a report about a booking: when this returns it is on disk, once, and will be handled
    /// (D17). Whoever it speaks of need not be known yet.
    ///
    /// # Errors
    /// See [`ReceiveAppointmentEventError`].
    pub async fn receive_appointment_event(
        &self,
        event: &AppointmentEvent,
    ) -> Result<Received, ReceiveAppointmentEventError> {
        let now = self.clock.now();
        event.check(now)?;
        match self.store.receive_appointment_event(event, now).await? {
            ReceiveOutcome::Stored => Ok(Received { known: false }),
            ReceiveOutcome::Known => Ok(Received { known: true }),
            ReceiveOutcome::Contradicted => Err(ReceiveAppointmentEventError::Contradicted),
            ReceiveOutcome::ConversationIdTaken => {
                Err(ReceiveAppointmentEventError::ConversationIdTaken)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{
        MemoryStore, MockStore,
        fixture::{Service, booking_event},
    };

    #[tokio::test]
    async fn what_is_no_event_never_reaches_the_store() {
        let mut store = MockStore::new();
        store.expect_receive_appointment_event().never();
        let service = Service::over(Arc::new(store));
        let mut event = booking_event("e1", "booked");
        event.client_first_name = Some("a\nb".to_owned());
        let received = service.messaging.receive_appointment_event(&event).await;
        assert!(matches!(received, Err(ReceiveAppointmentEventError::Invalid(_))));
    }

    #[tokio::test]
    async fn a_repeated_report_is_known_and_another_under_its_id_is_refused() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let event = booking_event("e1", "booked");
        let report = async |event| service.messaging.receive_appointment_event(event).await;
        assert!(matches!(report(&event).await, Ok(Received { known: false })));
        assert!(matches!(report(&event).await, Ok(Received { known: true })));
        let other = booking_event("e1", "cancelled");
        let contradicted = report(&other).await;
        assert!(matches!(contradicted, Err(ReceiveAppointmentEventError::Contradicted)));
    }
}
