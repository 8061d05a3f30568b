//! Bookings, as events reported by the platform (D17).

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

/// A booking event reported by the platform. Its `Debug` shows no name.
#[derive(Clone, PartialEq, Eq)]
pub struct AppointmentEvent {
    /// The reporter's id of this event; a report with the same id is a retry.
    pub id: AppointmentEventId,
    /// The booking.
    pub appointment: AppointmentId,
    /// The salon side of the booking.
    pub salon: UserId,
    /// The client side of the booking.
    pub client: UserId,
    /// What happened.
    pub kind: AppointmentEventKind,
    /// What is booked.
    pub service: Service,
    /// When the appointment begins; after a reschedule, the new time.
    pub starts_at: Timestamp,
    /// When it began before the reschedule.
    pub previous_starts_at: Option<Timestamp>,
    /// The client's first name on the salon's card. `None`: the directory's.
    pub client_first_name: Option<String>,
    /// The salon's time zone. `None`: the directory's, else the platform's default.
    pub zone: Option<Zone>,
    /// When it happened. Events of one booking are handled in this order.
    pub occurred_at: Timestamp,
    /// The conversation id requested by the platform, if this event opens the conversation.
    pub conversation: Option<ConversationId>,
}

/// How far a reporter's clock may be ahead of ours, in milliseconds. An event dated further in the
/// future would make all later reports of its booking count as older.
pub const OCCURRED_AHEAD_MAX_MS: i64 = 600_000;

/// Reserved conversation ids: path segments of `/conversations/…`, such as `/conversations/unread`,
/// which would hide a conversation of that id.
pub const RESERVED_CONVERSATION_IDS: [&str; 1] = ["unread"];

/// Why a report is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppointmentEventError {
    /// The salon cannot be its own client.
    #[error("salon and client are the same person")]
    SamePerson,
    /// The first name is longer than [`NAME_MAX_CHARS`] or holds a control character.
    #[error("the first name is not usable")]
    NameInvalid,
    /// It happened more than [`OCCURRED_AHEAD_MAX_MS`] after now.
    #[error("it did not happen yet")]
    InFuture,
    /// The conversation id is in [`RESERVED_CONVERSATION_IDS`].
    #[error("the id for the conversation is a reserved word")]
    ConversationIdReserved,
}

impl AppointmentEvent {
    /// Sort key among the events of its booking, oldest first.
    pub fn order_key(&self) -> (Timestamp, &AppointmentEventId) {
        (self.occurred_at, &self.id)
    }

    /// Checks at `now` what the field types cannot.
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
        if self
            .conversation
            .as_ref()
            .is_some_and(|id| RESERVED_CONVERSATION_IDS.contains(&id.as_str()))
        {
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
    /// `RETOUCHE`: touching up an existing tattoo.
    Retouch,
}

const SERVICES: [(Service, &str); 4] = [
    (Service::Project, "PROJET"),
    (Service::Tattoo, "TATTOO"),
    (Service::Piercing, "PIERCING"),
    (Service::Retouch, "RETOUCHE"),
];

impl Service {
    /// Parses the platform's word.
    pub fn parse(word: &str) -> Option<Self> {
        SERVICES.iter().find(|(_, known)| *known == word).map(|(service, _)| *service)
    }

    /// The French label.
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
    /// The salon entered it; confirmed at once.
    Booked,
    /// The client requested it; the salon has not answered yet.
    Requested,
    /// The client requested it and it was confirmed automatically.
    AutoConfirmed,
    /// The salon confirmed a request.
    Confirmed,
    /// It was moved to another time.
    Rescheduled,
    /// Either side cancelled it.
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
    /// The words of all kinds.
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

    /// Parses the platform's word.
    pub fn parse(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }

    /// Whether the event confirms, moves or cancels the booking. `Completed` and `NoShow` do not,
    /// and are not announced to the client.
    pub fn affects_booking(self) -> bool {
        !matches!(self, Self::Completed | Self::NoShow)
    }

    /// The platform's word.
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("booked", |(_, word)| word)
    }
}

// Subjects of conversations about bookings.

const SERVICES_IN_SUBJECTS: [Service; 4] =
    [Service::Project, Service::Tattoo, Service::Piercing, Service::Retouch];

/// The subject of the conversation about a booking, with the date in `zone`: `RDV Tatouage -
/// 05/01/2026`.
pub fn generated_subject(service: Service, starts_at: Timestamp, zone: &Zone) -> Subject {
    Subject::trusted(format!("{}{}", subject_prefix(service), zone.day(starts_at)))
}

/// Whether `subject` has the form of a [`generated_subject`] of any service and day, so nobody
/// chose it by hand.
pub fn is_generated(subject: &Subject) -> bool {
    let text = subject.as_str();
    SERVICES_IN_SUBJECTS
        .into_iter()
        .any(|service| text.strip_prefix(&subject_prefix(service)).is_some_and(is_day))
}

fn subject_prefix(service: Service) -> String {
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
        let same_person = AppointmentEvent { client: event.salon.clone(), ..event.clone() };
        assert_eq!(same_person.check(now), Err(AppointmentEventError::SamePerson));
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
        let requesting =
            |id| AppointmentEvent { conversation: ConversationId::parse(id).ok(), ..event.clone() };
        let refused = requesting("unread").check(event.occurred_at);
        assert_eq!(refused, Err(AppointmentEventError::ConversationIdReserved));
        assert_eq!(requesting("unread-1").check(event.occurred_at), Ok(()));
    }

    #[test]
    fn what_is_reported_has_happened_as_far_as_clocks_agree() {
        let event = booking_event("e1", "booked");
        let check_at = |behind_ms: i64| {
            let now = Timestamp::from_millis(event.occurred_at.as_millis() - behind_ms);
            event.check(now.expect("within the calendar"))
        };
        assert_eq!(
            (check_at(0), check_at(-86_400_000), check_at(600_000)),
            (Ok(()), Ok(()), Ok(()))
        );
        assert_eq!(check_at(600_001), Err(AppointmentEventError::InFuture));
        assert_eq!(check_at(86_400_000), Err(AppointmentEventError::InFuture));
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
        let subjects = [
            (Service::Project, "RDV Projet tatouage - 06/01/2026"),
            (Service::Tattoo, "RDV Tatouage - 06/01/2026"),
            (Service::Piercing, "RDV Piercing - 06/01/2026"),
            (Service::Retouch, "RDV Retouche - 06/01/2026"),
        ];
        for (service, name) in subjects {
            let subject = generated_subject(service, late, &Zone::default());
            assert_eq!(subject.as_str(), name);
            assert!(is_generated(&subject), "{name}");
        }
    }

    #[test]
    fn what_somebody_wrote_is_not_ours() {
        for manual in [
            "Bras",
            "RDV Tatouage",
            "RDV Tatouage - demain",
            "RDV Tatouage - 05/01/2026 !",
            "RDV Tatouage - 05/01/2026/",
            "RDV Massage - 05/01/2026",
            "rdv Tatouage - 05/01/2026",
        ] {
            assert!(!is_generated(&Subject::open(manual).expect("it fits")), "{manual}");
        }
    }
}
