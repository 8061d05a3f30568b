//! Platform messages as data: users cannot write them, and each front end may phrase them itself.

mod english;
mod french;

use std::fmt;

use crate::{
    participant::{Language, NAME_MAX_CHARS},
    text::{Content, is_blank, tidied_line},
    time::{Timestamp, Zone},
};

/// A platform message. Its `Debug` shows no name.
#[derive(Clone, PartialEq, Eq)]
pub enum Notice {
    /// The salon entered a booking.
    Booked {
        /// The client's first name, if known.
        first_name: Option<FirstName>,
    },
    /// The client asked for a booking.
    Requested {
        /// See [`Booked`](Self::Booked).
        first_name: Option<FirstName>,
    },
    /// A booking was confirmed automatically.
    AutoConfirmed {
        /// See [`Booked`](Self::Booked).
        first_name: Option<FirstName>,
    },
    /// The salon confirmed a booking.
    Confirmed {
        /// See [`Booked`](Self::Booked).
        first_name: Option<FirstName>,
    },
    /// A booking was moved.
    Rescheduled {
        /// The old time, if known.
        from: Option<Timestamp>,
        /// The new time.
        to: Timestamp,
        /// The time zone in which both are shown.
        zone: Zone,
    },
    /// A booking was cancelled.
    Cancelled,
    /// A conversation was archived because it had no messages for long. It belongs to neither side:
    /// it is never unread, and does not change the order of lists.
    ArchivedForAge {
        /// The number of days without messages.
        days: u32,
    },
}

impl Notice {
    /// The kind, as it is stored and shown.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Booked { .. } => "booked",
            Self::Requested { .. } => "requested",
            Self::AutoConfirmed { .. } => "auto-confirmed",
            Self::Confirmed { .. } => "confirmed",
            Self::Rescheduled { .. } => "rescheduled",
            Self::Cancelled => "cancelled",
            Self::ArchivedForAge { .. } => "archived-for-age",
        }
    }

    /// Whether it is the platform's own message rather than one in the salon's name.
    pub fn is_platform_message(&self) -> bool {
        matches!(self, Self::ArchivedForAge { .. })
    }

    /// The message text.
    pub fn text(&self, language: Language) -> Content {
        Content::trusted(match language {
            Language::French => french::text(self),
            Language::English => english::text(self),
        })
    }

    /// The name in its greeting.
    pub fn first_name(&self) -> Option<&FirstName> {
        match self {
            Self::Booked { first_name }
            | Self::Requested { first_name }
            | Self::AutoConfirmed { first_name }
            | Self::Confirmed { first_name } => first_name.as_ref(),
            Self::Rescheduled { .. } | Self::Cancelled | Self::ArchivedForAge { .. } => None,
        }
    }

    /// The same notice without a name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        match self {
            Self::Booked { .. } => Self::Booked { first_name: None },
            Self::Requested { .. } => Self::Requested { first_name: None },
            Self::AutoConfirmed { .. } => Self::AutoConfirmed { first_name: None },
            Self::Confirmed { .. } => Self::Confirmed { first_name: None },
            Self::Rescheduled { .. } | Self::Cancelled | Self::ArchivedForAge { .. } => {
                self.clone()
            }
        }
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notice({})", self.kind())
    }
}

// Notices as named text fields, for stores and wires.

const FIRST_NAME: &str = "first_name";
const FROM: &str = "from";
const TO: &str = "to";
const ZONE: &str = "zone";
const DAYS: &str = "days";

impl Notice {
    /// Its data beside [`kind`](Self::kind), as named texts: `first_name`; `from` and `to` (ISO
    /// 8601, UTC) with `zone` (IANA); `days`. Unknown values are left out.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        if let Self::Rescheduled { from, to, zone } = self {
            let from = from.map(|from| (FROM, from.to_string()));
            let rest = [(TO, to.to_string()), (ZONE, zone.as_str().to_owned())];
            return from.into_iter().chain(rest).collect();
        }
        if let Self::ArchivedForAge { days } = self {
            return vec![(DAYS, days.to_string())];
        }
        self.first_name().map(|name| (FIRST_NAME, name.as_str().to_owned())).into_iter().collect()
    }

    /// Parses [`kind`](Self::kind) and [`fields`](Self::fields); `None` for anything else.
    pub fn from_fields<'a>(kind: &str, field: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let first_name = match field(FIRST_NAME) {
            None => None,
            Some(name) => Some(FirstName::parse(name)?),
        };
        Some(match kind {
            "booked" => Self::Booked { first_name },
            "requested" => Self::Requested { first_name },
            "auto-confirmed" => Self::AutoConfirmed { first_name },
            "confirmed" => Self::Confirmed { first_name },
            "rescheduled" => Self::Rescheduled {
                from: match field(FROM) {
                    None => None,
                    Some(from) => Some(Timestamp::parse(from)?),
                },
                to: Timestamp::parse(field(TO)?)?,
                zone: Zone::parse(field(ZONE)?).ok()?,
            },
            "cancelled" => Self::Cancelled,
            "archived-for-age" => Self::ArchivedForAge { days: field(DAYS)?.parse().ok()? },
            _ => return None,
        })
    }
}

/// A first name for greetings: one line of 1 to [`NAME_MAX_CHARS`] characters, tidied and trimmed.
/// Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstName(String);

impl FirstName {
    /// Takes `text`, tidied by [`tidied_line`] and trimmed; `None` when no usable name is left.
    pub fn parse(text: &str) -> Option<Self> {
        let name = tidied_line(text);
        let name = name.trim();
        let usable = !is_blank(name) && name.chars().count() <= NAME_MAX_CHARS;
        usable.then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FirstName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstName(…)")
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod name_tests {
    use super::*;

    #[test]
    fn a_first_name_is_visible_and_bounded() {
        assert_eq!(FirstName::parse("  Léa ").expect("a name").as_str(), "Léa");
        assert_eq!(
            FirstName::parse("Léa\u{b}\u{202e}Anne\0").expect("a name").as_str(),
            "Léa Anne"
        );
        for none in ["", "  ", "\u{200b}", "\u{1b}", &"x".repeat(NAME_MAX_CHARS + 1)] {
            assert_eq!(FirstName::parse(none), None, "{none:?}");
        }
        let shown = format!("{:?}", FirstName::parse("Léa"));
        assert!(!shown.contains("Léa"), "{shown}");
    }
}
