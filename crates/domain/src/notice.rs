//! What the platform says in a conversation, as data: nobody can write one, and every front end may
//! say it in its own words.

mod english;
mod fields;
mod french;
mod name;
#[cfg(test)]
mod tests;

use std::fmt;

pub use name::FirstName;

use crate::{language::Language, text::Content, time::Timestamp, zone::Zone};

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
