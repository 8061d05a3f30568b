//! Bookings, as the platform reports them: events, not calls (D17).

mod kind;
mod subject;

use std::fmt;

pub use kind::{AppointmentEventKind, Service};
pub use subject::{generated_subject, is_generated};

use crate::{
    id::{AppointmentEventId, AppointmentId, ConversationId, UserId},
    participant::NAME_MAX_CHARS,
    time::Timestamp,
    zone::Zone,
};

/// Something that happened to a booking, as the platform reports it. Its `Debug` shows no name.
#[derive(Clone, PartialEq, Eq)]
pub struct AppointmentEvent {
    /// The reporter's own name for this event: a repeated one is the same event.
    pub id: AppointmentEventId,
    /// Which booking.
    pub appointment: AppointmentId,
    /// Whose booking: the salon side.
    pub salon: UserId,
    /// Who is to come: the client side.
    pub client: UserId,
    /// What happened.
    pub kind: AppointmentEventKind,
    /// What is booked.
    pub service: Service,
    /// When it is to begin; after a move, the new time.
    pub starts_at: Timestamp,
    /// When it was to begin before a move.
    pub previous_starts_at: Option<Timestamp>,
    /// What the salon's card calls the client. `None`: what the directory calls them.
    pub client_first_name: Option<String>,
    /// The salon's time zone. `None`: the directory's, else the house's.
    pub zone: Option<Zone>,
    /// When it happened. Events of one booking are handled in this order.
    pub occurred_at: Timestamp,
    /// The id that the platform wants for the conversation, if this event opens it.
    pub conversation: Option<ConversationId>,
}

/// How far ahead of our clock a reporter's may be, in milliseconds. An event that happened later than that
/// would hold up nothing, but all that is reported after it would count as older.
pub const OCCURRED_AHEAD_MAX_MS: i64 = 600_000;

/// Why a report is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppointmentEventError {
    /// The salon cannot be its own client.
    #[error("salon and client are the same person")]
    SamePerson,
    /// The first name is longer than [`NAME_MAX_CHARS`] or holds a control character.
    #[error("the first name is not usable")]
    NameInvalid,
    /// It is to happen more than [`OCCURRED_AHEAD_MAX_MS`] after now.
    #[error("it did not happen yet")]
    InFuture,
}

impl AppointmentEvent {
    /// Its place among the events of its booking: what is smaller happened before.
    pub fn place(&self) -> (Timestamp, &AppointmentEventId) {
        (self.occurred_at, &self.id)
    }

    /// Checks at `now` what the types of the parts leave open.
    ///
    /// # Errors
    /// [`AppointmentEventError`].
    pub fn check(&self, now: Timestamp) -> Result<(), AppointmentEventError> {
        if self.salon == self.client {
            return Err(AppointmentEventError::SamePerson);
        }
        if self.occurred_at.as_millis() - now.as_millis() > OCCURRED_AHEAD_MAX_MS {
            return Err(AppointmentEventError::InFuture);
        }
        let usable = |name: &str| {
            name.chars().count() <= NAME_MAX_CHARS && !name.chars().any(char::is_control)
        };
        if self.client_first_name.as_deref().is_none_or(usable) {
            Ok(())
        } else {
            Err(AppointmentEventError::NameInvalid)
        }
    }
}

impl fmt::Debug for AppointmentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppointmentEvent")
            .field("id", &self.id)
            .field("appointment", &self.appointment)
            .field("kind", &self.kind)
            .field("occurred_at", &self.occurred_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::booking_event;

    #[test]
    fn a_report_names_two_people_and_calls_them_by_usable_names() {
        let event = booking_event("e1", "booked");
        let now = event.occurred_at;
        assert_eq!(event.check(now), Ok(()));
        let alone = AppointmentEvent { client: event.salon.clone(), ..event.clone() };
        assert_eq!(alone.check(now), Err(AppointmentEventError::SamePerson));
        for name in ["a\nb", &"x".repeat(NAME_MAX_CHARS + 1)] {
            let named =
                AppointmentEvent { client_first_name: Some(name.to_owned()), ..event.clone() };
            assert_eq!(named.check(now), Err(AppointmentEventError::NameInvalid));
        }
        assert!(!format!("{event:?}").contains("Camille"));
    }

    #[test]
    fn what_is_reported_has_happened_as_far_as_clocks_agree() {
        let event = booking_event("e1", "booked");
        let seen = |behind_ms: i64| {
            let now = Timestamp::from_millis(event.occurred_at.as_millis() - behind_ms);
            event.check(now.expect("within the calendar"))
        };
        assert_eq!((seen(0), seen(-86_400_000), seen(600_000)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(seen(600_001), Err(AppointmentEventError::InFuture));
        assert_eq!(seen(86_400_000), Err(AppointmentEventError::InFuture));
    }
}
