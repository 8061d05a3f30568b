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

#[cfg(test)]
mod tests {
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
