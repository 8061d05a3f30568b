//! Ids: opaque text on the wire; nothing is ordered by id.

use std::{fmt, sync::Arc};

/// The longest id, in characters.
pub const ID_MAX_CHARS: usize = 64;

/// The text is no id: it is empty, longer than [`ID_MAX_CHARS`], or has a character outside `A-Z
/// a-z 0-9 _ -`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to 64 characters of A-Z a-z 0-9 _ -")]
pub struct InvalidId;

fn check(text: &str) -> Result<(), InvalidId> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=ID_MAX_CHARS).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(InvalidId)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            /// [`InvalidId`] unless it has 1 to 64 characters of `A-Z a-z 0-9 _ -`.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

macro_rules! generated {
    ($name:ident) => {
        impl From<uuid::Uuid> for $name {
            fn from(uuid: uuid::Uuid) -> Self {
                Self(uuid.hyphenated().to_string().into())
            }
        }
    };
}

id! {
    /// A person's id on the platform, used unchanged.
    UserId
}
id! {
    /// A booking's id on the platform, used unchanged.
    AppointmentId
}
id! {
    /// A conversation. New ids are UUIDv7; imported conversations keep theirs, which old links
    /// contain.
    ConversationId
}
id! {
    /// A message. New ids are UUIDv7; imported messages keep theirs.
    MessageId
}
id! {
    /// A file of a message.
    AttachmentId
}
id! {
    /// The sender's idempotency key of a message, so that a retry is recognised. Unique per
    /// conversation and sender.
    ClientMessageId
}
id! {
    /// The reporter's id of an event, so that a repeated report is recognised.
    AppointmentEventId
}
id! {
    /// A background job.
    JobId
}
id! {
    /// A notification mail.
    MailId
}
generated!(ConversationId);
generated!(MessageId);
generated!(AttachmentId);
generated!(JobId);
generated!(MailId);

// Positions in a conversation's log.

/// A position in one conversation's log: 1, 2, 3 … without a gap.
/// Every durable change takes the next one; this is the only order of events. [`Seq::ZERO`]
/// precedes the first.
/// before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(i64);

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The position `number`; `None` when it is negative.
    pub const fn new(number: i64) -> Option<Self> {
        if number < 0 { None } else { Some(Self(number)) }
    }

    /// The position as a number, 0 or more.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod id_tests {
    use super::*;

    #[test]
    fn an_id_is_carried_as_it_comes() {
        for text in ["a", "clx1-_Z9", &"x".repeat(ID_MAX_CHARS)] {
            assert_eq!(UserId::parse(text).expect("a good id").as_str(), text);
        }
    }

    #[test]
    fn control_characters_separators_and_long_texts_are_no_ids() {
        let long = "x".repeat(ID_MAX_CHARS + 1);
        for text in ["", " ", "a b", "a/b", "é", "a\0", "..", &long] {
            assert_eq!(UserId::parse(text), Err(InvalidId), "{text:?}");
        }
    }
}

#[cfg(test)]
mod seq_tests {
    use super::*;

    #[test]
    fn positions_follow_one_another_and_are_never_negative() {
        assert_eq!(Seq::ZERO.next().next().get(), 2);
        assert_eq!(Seq::new(-1), None);
        assert_eq!(Seq::new(7).map(Seq::get), Some(7));
    }
}
