//! Bookings, as the platform reports them: events, not calls (D17).

pub mod handle;
pub mod notice;
pub mod store;

use std::fmt;

use crate::{
    ids::{AppointmentEventId, AppointmentId, ConversationId, UserId},
    participant::NAME_MAX_CHARS,
    text::Subject,
    time::{Timestamp, Zone},
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

/// Words that stand where an id stands in the addresses of conversations: `/conversations/unread`. A
/// conversation of such an id could not be asked for.
pub const ROUTE_WORDS: [&str; 1] = ["unread"];

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
    /// The id for the conversation is one of [`ROUTE_WORDS`].
    #[error("the id for the conversation is a reserved word")]
    ConversationIdReserved,
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
        if self.conversation.as_ref().is_some_and(|id| ROUTE_WORDS.contains(&id.as_str())) {
            return Err(AppointmentEventError::ConversationIdReserved);
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
/// What is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// `PROJET`: a tattoo still to be designed.
    Project,
    /// `TATTOO`.
    Tattoo,
    /// `PIERCING`.
    Piercing,
    /// `RETOUCHE`: work on a tattoo that is there.
    Retouch,
}

const SERVICES: [(Service, &str); 4] = [
    (Service::Project, "PROJET"),
    (Service::Tattoo, "TATTOO"),
    (Service::Piercing, "PIERCING"),
    (Service::Retouch, "RETOUCHE"),
];

impl Service {
    /// Reads the platform's word.
    pub fn parse(word: &str) -> Option<Self> {
        SERVICES.iter().find(|(_, known)| *known == word).map(|(service, _)| *service)
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Project => "Projet tatouage",
            Self::Tattoo => "Tatouage",
            Self::Piercing => "Piercing",
            Self::Retouch => "Retouche",
        }
    }

    /// The platform's word.
    pub fn as_str(self) -> &'static str {
        SERVICES.iter().find(|(service, _)| *service == self).map_or("PROJET", |(_, word)| word)
    }
}

/// What happened to a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppointmentEventKind {
    /// The salon entered it, confirmed at once.
    Booked,
    /// The client asked for it; the salon has not answered yet.
    Requested,
    /// The client asked for it, and it was confirmed without the salon's doing.
    AutoConfirmed,
    /// The salon confirmed what was requested.
    Confirmed,
    /// It was moved to another time.
    Rescheduled,
    /// It was called off by either side.
    Cancelled,
    /// It took place.
    Completed,
    /// The client did not come.
    NoShow,
}

const KINDS: [(AppointmentEventKind, &str); 8] = [
    (AppointmentEventKind::Booked, "booked"),
    (AppointmentEventKind::Requested, "requested"),
    (AppointmentEventKind::AutoConfirmed, "auto-confirmed"),
    (AppointmentEventKind::Confirmed, "confirmed"),
    (AppointmentEventKind::Rescheduled, "rescheduled"),
    (AppointmentEventKind::Cancelled, "cancelled"),
    (AppointmentEventKind::Completed, "completed"),
    (AppointmentEventKind::NoShow, "no-show"),
];

impl AppointmentEventKind {
    /// Every kind, as its word.
    pub const WORDS: [&'static str; 8] = [
        "booked",
        "requested",
        "auto-confirmed",
        "confirmed",
        "rescheduled",
        "cancelled",
        "completed",
        "no-show",
    ];

    /// Reads the platform's word.
    pub fn parse(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }

    /// Whether it says that the booking stands, or that it does not. What took place or did not is
    /// neither news to the client nor a change of the booking.
    pub fn says_whether_it_stands(self) -> bool {
        !matches!(self, Self::Completed | Self::NoShow)
    }

    /// The platform's word.
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("booked", |(_, word)| word)
    }
}

// What the conversation about a booking is called.

const SERVICES_IN_SUBJECTS: [Service; 4] =
    [Service::Project, Service::Tattoo, Service::Piercing, Service::Retouch];

/// The subject of the conversation about a booking: `RDV Tatouage - 05/01/2026`, by the salon's
/// clock.
pub fn generated_subject(service: Service, starts_at: Timestamp, zone: &Zone) -> Subject {
    Subject::of_ours(format!("{}{}", beginning(service), zone.day(starts_at)))
}

/// Whether `subject` is one of [`generated_subject`], of any service and any day: not somebody's own
/// words.
pub fn is_generated(subject: &Subject) -> bool {
    let text = subject.as_str();
    SERVICES_IN_SUBJECTS
        .into_iter()
        .any(|service| text.strip_prefix(&beginning(service)).is_some_and(is_day))
}

fn beginning(service: Service) -> String {
    format!("RDV {} - ", service.label())
}

/// Whether `text` has the form `05/01/2026`.
fn is_day(text: &str) -> bool {
    let digits =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.split('/');
    let lengths = [2, 2, 4];
    lengths.into_iter().all(|length| parts.next().is_some_and(|part| digits(part, length)))
        && parts.next().is_none()
}

#[cfg(test)]
mod appointment_tests {
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
    fn the_word_of_a_route_is_no_id_for_a_conversation() {
        let event = booking_event("e1", "booked");
        let wanting =
            |id| AppointmentEvent { conversation: ConversationId::parse(id).ok(), ..event.clone() };
        let refused = wanting("unread").check(event.occurred_at);
        assert_eq!(refused, Err(AppointmentEventError::ConversationIdReserved));
        assert_eq!(wanting("unread-1").check(event.occurred_at), Ok(()));
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

#[cfg(test)]
mod kind_tests {
    use super::*;

    #[test]
    fn a_kind_and_a_service_are_read_as_they_are_written() {
        for (word, (kind, known)) in AppointmentEventKind::WORDS.into_iter().zip(KINDS) {
            assert_eq!(word, known);
            assert_eq!((AppointmentEventKind::parse(word), kind.as_str()), (Some(kind), word));
        }
        for (service, word) in SERVICES {
            assert_eq!((Service::parse(word), service.as_str()), (Some(service), word));
        }
        assert_eq!(AppointmentEventKind::parse("Booked"), None);
        assert_eq!(Service::parse("MASSAGE"), None);
    }
}

#[cfg(test)]
mod subject_tests {
    use super::*;

    #[test]
    fn a_booking_is_called_by_its_service_and_its_day_there() {
        let late = Timestamp::parse("2026-01-05T23:30:00.000Z").expect("a time");
        let names = [
            (Service::Project, "RDV Projet tatouage - 06/01/2026"),
            (Service::Tattoo, "RDV Tatouage - 06/01/2026"),
            (Service::Piercing, "RDV Piercing - 06/01/2026"),
            (Service::Retouch, "RDV Retouche - 06/01/2026"),
        ];
        for (service, name) in names {
            let subject = generated_subject(service, late, &Zone::default());
            assert_eq!(subject.as_str(), name);
            assert!(is_generated(&subject), "{name}");
        }
    }

    #[test]
    fn what_somebody_wrote_is_not_ours() {
        for own in [
            "Bras",
            "RDV Tatouage",
            "RDV Tatouage - demain",
            "RDV Tatouage - 05/01/2026 !",
            "RDV Tatouage - 05/01/2026/",
            "RDV Massage - 05/01/2026",
            "rdv Tatouage - 05/01/2026",
        ] {
            assert!(!is_generated(&Subject::open(own).expect("it fits")), "{own}");
        }
    }
}
