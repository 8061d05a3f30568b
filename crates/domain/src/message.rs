//! What was said.

use crate::{
    attachment::{ATTACHMENTS_MAX, Attachment, File},
    id::{ClientMessageId, ConversationId, MessageId},
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

/// Why a draft is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// Neither words nor files.
    #[error("the message is empty")]
    Empty,
    /// More than [`ATTACHMENTS_MAX`] files.
    #[error("the message carries too many files")]
    TooManyAttachments,
}

/// A message that a person wants to post: words, files, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    kind: MessageKind,
    content: Content,
    files: Vec<File>,
    key: Option<ClientMessageId>,
}

impl Draft {
    /// Takes what a person wants to post; a [`MessageKind::System`] becomes a plain text.
    ///
    /// # Errors
    /// [`DraftError`] when there is nothing in it, or too much.
    pub fn new(
        kind: MessageKind,
        content: Content,
        files: Vec<File>,
        key: Option<ClientMessageId>,
    ) -> Result<Self, DraftError> {
        if files.len() > ATTACHMENTS_MAX {
            return Err(DraftError::TooManyAttachments);
        }
        if content.is_empty() && files.is_empty() {
            return Err(DraftError::Empty);
        }
        Ok(Self { kind: kind.from_a_person(), content, files, key })
    }

    /// What kind of message it will be.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Its words.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Its files.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Its sender's own key.
    pub fn key(&self) -> Option<&ClientMessageId> {
        self.key.as_ref()
    }

    /// Whether `message` says what this draft says: the same kind, words and files. Decides whether
    /// a repeated key is a retry.
    pub fn says_the_same_as(&self, message: &Message) -> bool {
        self.kind == message.kind
            && self.content == message.content
            && self.files.iter().eq(message.attachments.iter().map(|attachment| &attachment.file))
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
    use crate::attachment::{FileUrl, MediaType};

    fn file() -> File {
        let url = FileUrl::parse("https://utfs.io/f/a.webp").expect("good");
        let webp = MediaType::parse("image/webp").expect("good");
        File::new("a.webp", url, webp, 10, None).expect("good")
    }

    fn content(text: &str) -> Content {
        Content::parse(text).expect("fits")
    }

    #[test]
    fn a_message_says_something_or_shows_something() {
        let draft = |text, files| Draft::new(MessageKind::Text, content(text), files, None);
        assert_eq!(draft("", vec![]), Err(DraftError::Empty));
        assert!(draft("", vec![file()]).is_ok());
        assert!(draft(" ", vec![]).is_ok());
        assert!(draft("", vec![file(); ATTACHMENTS_MAX]).is_ok());
        assert_eq!(
            draft("x", vec![file(); ATTACHMENTS_MAX + 1]),
            Err(DraftError::TooManyAttachments)
        );
    }

    #[test]
    fn nobody_can_pass_for_the_platform() {
        let kind = |kind| Draft::new(kind, content("x"), vec![], None).expect("good").kind();
        assert_eq!(kind(MessageKind::System), MessageKind::Text);
        assert_eq!(kind(MessageKind::Image), MessageKind::Image);
    }

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for (kind, word) in KINDS {
            assert_eq!((MessageKind::parse(word), kind.as_str()), (Some(kind), word));
        }
        assert_eq!(MessageKind::parse("text"), None);
    }
}
