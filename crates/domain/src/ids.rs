//! Names of things. Opaque text on the wire; order never comes from an id.

use std::{fmt, sync::Arc};

/// The longest id, in characters.
pub const ID_MAX_CHARS: usize = 64;

/// The text is no id: it is empty, longer than [`ID_MAX_CHARS`], or has a character outside
/// `A-Z a-z 0-9 _ -`.
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
            /// Takes `text` as an id.
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

macro_rules! minted {
    ($name:ident) => {
        impl From<uuid::Uuid> for $name {
            fn from(uuid: uuid::Uuid) -> Self {
                Self(uuid.hyphenated().to_string().into())
            }
        }
    };
}

id! {
    /// A person as the platform knows them. The platform mints these; we carry them as they come.
    UserId
}
id! {
    /// A booking as the platform knows it. Carried as it comes.
    AppointmentId
}
id! {
    /// A conversation. Ours are UUIDv7; imported ones keep the id that old links hold.
    ConversationId
}
id! {
    /// A message. Ours are UUIDv7; imported ones keep theirs.
    MessageId
}
id! {
    /// A file that belongs to a message.
    AttachmentId
}
id! {
    /// The key under which its sender names a message before we do, so that a retry is
    /// recognised. Unique per conversation and sender.
    ClientMessageId
}
id! {
    /// An event as its reporter names it, so that a repeated report is recognised.
    AppointmentEventId
}
id! {
    /// A piece of work.
    JobId
}
id! {
    /// A mail that tells somebody of messages.
    MailId
}
minted!(ConversationId);
minted!(MessageId);
minted!(AttachmentId);
minted!(JobId);
minted!(MailId);

// Positions in a conversation's log.

/// A position in one conversation's log: 1, 2, 3 … without a gap.
///
/// Every durable change takes the next one, so it is the only order there is. [`Seq::ZERO`] stands
/// before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(i64);

impl Seq {
    /// Before anything happened.
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
    fn what_could_hide_or_break_something_is_no_id() {
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
