//! What the platform says in a conversation, as data: nobody can write one, and every front end may
//! say it in its own words.

mod english;
mod french;

use std::fmt;

use crate::{
    participant::{Language, NAME_MAX_CHARS},
    text::{Content, is_blank, tidied_line},
    time::{Timestamp, Zone},
};

/// Something that the platform says. Its `Debug` shows no name.
#[derive(Clone, PartialEq, Eq)]
pub enum Notice {
    /// The salon entered a booking.
    Booked {
        /// What the client is called, if that is known.
        first_name: Option<FirstName>,
    },
    /// The client asked for a booking.
    Requested {
        /// See [`Booked`](Self::Booked).
        first_name: Option<FirstName>,
    },
    /// A booking was confirmed by itself.
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
        /// When it was to begin, if that is known.
        from: Option<Timestamp>,
        /// When it begins now.
        to: Timestamp,
        /// Where.
        zone: Zone,
    },
    /// A booking was called off.
    Cancelled,
    /// A conversation was put away, because nothing was said in it for long. It is the platform's own
    /// word, of neither side: it waits for nobody to read it, and moves no conversation up a list.
    ArchivedForAge {
        /// For how many days.
        days: u32,
    },
}

impl Notice {
    /// What it is about, as it is stored and shown.
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

    /// Whether it is the platform's own word rather than one in the salon's name.
    pub fn is_platform_message(&self) -> bool {
        matches!(self, Self::ArchivedForAge { .. })
    }

    /// What it says in words.
    pub fn text(&self, language: Language) -> Content {
        Content::of_ours(match language {
            Language::French => french::text(self),
            Language::English => english::text(self),
        })
    }

    /// Whom it greets by name.
    pub fn first_name(&self) -> Option<&FirstName> {
        match self {
            Self::Booked { first_name }
            | Self::Requested { first_name }
            | Self::AutoConfirmed { first_name }
            | Self::Confirmed { first_name } => first_name.as_ref(),
            Self::Rescheduled { .. } | Self::Cancelled | Self::ArchivedForAge { .. } => None,
        }
    }

    /// The same without anybody's name.
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

// Notices as named texts, for stores and wires.

const FIRST_NAME: &str = "first_name";
const FROM: &str = "from";
const TO: &str = "to";
const ZONE: &str = "zone";
const DAYS: &str = "days";

impl Notice {
    /// What it says beside its [`kind`](Self::kind), as named texts: `first_name`; `from` and `to`
    /// (ISO 8601, UTC) with `zone` (IANA); `days`. What is not known is left out.
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

    /// Reads what [`kind`](Self::kind) and [`fields`](Self::fields) said; `None` when it is no
    /// notice of ours.
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

/// What somebody is called in a greeting: one line of 1 to [`NAME_MAX_CHARS`] characters, tidied, without
/// blanks around it. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstName(String);

impl FirstName {
    /// Takes `text`, tidied by [`tidied_line`] and without the blanks around it; `None` when it is no name.
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
    fn a_name_is_something_to_be_called_by() {
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
