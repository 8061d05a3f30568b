//! What was said.

mod draft;

pub use draft::{Draft, DraftError, DraftFile};

use crate::{
    attachment::Attachment,
    id::{ConversationId, MessageId},
    notice::Notice,
    participant::Participant,
    seq::Seq,
    text::Content,
    time::Timestamp,
};

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// Written by a person.
    Text,
    /// Written by the platform in a person's name. No caller can send one.
    System,
    /// A picture, with or without words.
    Image,
    /// Another file, with or without words.
    File,
}

const KINDS: [(MessageKind, &str); 4] = [
    (MessageKind::Text, "TEXT"),
    (MessageKind::System, "SYSTEM"),
    (MessageKind::Image, "IMAGE"),
    (MessageKind::File, "FILE"),
];

impl MessageKind {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("TEXT", |(_, word)| word)
    }

    /// Reads [`as_str`](Self::as_str)'s word.
    pub fn parse(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }

    /// What becomes of this kind when a caller asks for it: their own kinds stay, what only the
    /// platform may write is [`Text`](Self::Text).
    #[must_use]
    pub fn from_a_person(self) -> Self {
        if self == Self::System { Self::Text } else { self }
    }
}

/// A message as both participants see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// Where it was said.
    pub conversation: ConversationId,
    /// Its position.
    pub seq: Seq,
    /// Who said it.
    pub author: Participant,
    /// What kind it is.
    pub kind: MessageKind,
    /// Its words; may be empty beside files.
    pub content: Content,
    /// What the platform means by it, where it is the platform's and that is known.
    pub notice: Option<Notice>,
    /// Its files, in the sender's order.
    pub attachments: Vec<Attachment>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// Whether the other side's horizon has reached it.
    pub is_read: bool,
    /// When it did, where that is known.
    pub read_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for (kind, word) in KINDS {
            assert_eq!((MessageKind::parse(word), kind.as_str()), (Some(kind), word));
        }
        assert_eq!(MessageKind::parse("text"), None);
    }
}
