//! Messages and drafts.

use std::collections::HashSet;

use super::attachment::{ATTACHMENTS_MAX, Attachment, File};
use crate::{
    appointments::notice::Notice,
    ids::{AttachmentId, ClientMessageId, ConversationId, MessageId, Seq},
    participant::Participant,
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
    /// A picture, with or without text.
    Image,
    /// Another file, with or without text.
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

    /// Parses the word of [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }

    /// The kind stored when a caller asks for this one: [`System`](Self::System) is reserved to the
    /// platform and becomes [`Text`](Self::Text).
    #[must_use]
    pub fn allowed_for_users(self) -> Self {
        if self == Self::System { Self::Text } else { self }
    }
}

/// A message as both participants see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation.
    pub conversation: ConversationId,
    /// Its position.
    pub seq: Seq,
    /// The author.
    pub author: Participant,
    /// What kind it is.
    pub kind: MessageKind,
    /// The text; may be empty beside files.
    pub content: Content,
    /// The structured notice, for platform messages that have one.
    pub notice: Option<Notice>,
    /// Its files, in the sender's order.
    pub attachments: Vec<Attachment>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// Whether the other side's read horizon has reached it.
    pub is_read: bool,
    /// When it was read, if known.
    pub read_at: Option<Timestamp>,
}

/// Why a draft is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// Neither text nor files.
    #[error("the message is empty")]
    Empty,
    /// More than [`ATTACHMENTS_MAX`] files.
    #[error("the message carries too many files")]
    TooManyAttachments,
    /// An upload can be attached only once.
    #[error("the message carries the same upload twice")]
    SameUploadTwice,
}

/// A file in a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftFile {
    /// A file at the upload service. Made by [`File::hosted`].
    Hosted(File),
    /// A file uploaded to us before; the attachment keeps its id.
    Uploaded(AttachmentId),
}

impl DraftFile {
    fn upload(&self) -> Option<&AttachmentId> {
        match self {
            Self::Uploaded(id) => Some(id),
            Self::Hosted(_) => None,
        }
    }

    fn is_stored_as(&self, attachment: &Attachment) -> bool {
        match self {
            Self::Hosted(file) => file.is_stored_as(&attachment.file),
            Self::Uploaded(id) => *id == attachment.id,
        }
    }
}

/// A message to be posted: text, files, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    kind: MessageKind,
    content: Content,
    files: Vec<DraftFile>,
    key: Option<ClientMessageId>,
}

impl Draft {
    /// Creates a draft; [`MessageKind::System`] becomes [`MessageKind::Text`].
    ///
    /// # Errors
    /// [`DraftError`] when it is empty or too large.
    pub fn new(
        kind: MessageKind,
        content: Content,
        files: Vec<DraftFile>,
        key: Option<ClientMessageId>,
    ) -> Result<Self, DraftError> {
        if files.len() > ATTACHMENTS_MAX {
            return Err(DraftError::TooManyAttachments);
        }
        if has_duplicate_upload(&files) {
            return Err(DraftError::SameUploadTwice);
        }
        if content.is_empty() && files.is_empty() {
            return Err(DraftError::Empty);
        }
        Ok(Self { kind: kind.allowed_for_users(), content, files, key })
    }

    /// What kind of message it will be.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The text.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The files.
    pub fn files(&self) -> &[DraftFile] {
        &self.files
    }

    /// The ids of the uploads among its files, in their order.
    pub fn uploads(&self) -> impl Iterator<Item = &AttachmentId> {
        self.files.iter().filter_map(DraftFile::upload)
    }

    /// The ids of its attachments: an upload keeps its id, for other files `new_id` makes one.
    pub fn attachment_ids(&self, mut new_id: impl FnMut() -> AttachmentId) -> Vec<AttachmentId> {
        let id = |file: &DraftFile| match file {
            DraftFile::Hosted(_) => new_id(),
            DraftFile::Uploaded(id) => id.clone(),
        };
        self.files.iter().map(id).collect()
    }

    /// The sender's idempotency key.
    pub fn key(&self) -> Option<&ClientMessageId> {
        self.key.as_ref()
    }

    /// Whether `message` has the same kind, text and files as this draft. Decides whether a
    /// repeated key is a retry.
    pub fn has_same_content_as(&self, message: &Message) -> bool {
        self.kind == message.kind
            && self.content.is_stored_as(&message.content)
            && self.files.len() == message.attachments.len()
            && self.files.iter().zip(&message.attachments).all(|(file, one)| file.is_stored_as(one))
    }
}

fn has_duplicate_upload(files: &[DraftFile]) -> bool {
    let mut seen = HashSet::new();
    files.iter().filter_map(DraftFile::upload).any(|id| !seen.insert(id))
}

#[cfg(test)]
mod message_tests {
    use super::*;

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for (kind, word) in KINDS {
            assert_eq!((MessageKind::parse(word), kind.as_str()), (Some(kind), word));
        }
        assert_eq!(MessageKind::parse("text"), None);
    }
}

#[cfg(test)]
mod draft_tests {
    use super::*;
    use crate::conversation::attachment::{FileUrl, MediaType};

    fn file() -> DraftFile {
        let url = FileUrl::parse("https://utfs.io/f/a.webp").expect("good");
        let webp = MediaType::parse("image/webp").expect("good");
        DraftFile::Hosted(File::hosted("a.webp", url, webp, 10, None).expect("good"))
    }

    fn content(text: &str) -> Content {
        Content::parse(text).expect("fits")
    }

    #[test]
    fn a_message_has_text_or_files() {
        let draft = |text, files| Draft::new(MessageKind::Text, content(text), files, None);
        assert_eq!(draft("", vec![]), Err(DraftError::Empty));
        assert!(draft("", vec![file()]).is_ok());
        assert_eq!(draft(" \u{200b}\n", vec![]), Err(DraftError::Empty));
        let shown = draft(" \u{200b}", vec![file()]).expect("it shows something");
        assert!(shown.content().is_empty());
        assert!(draft("", vec![file(); ATTACHMENTS_MAX]).is_ok());
        assert_eq!(
            draft("x", vec![file(); ATTACHMENTS_MAX + 1]),
            Err(DraftError::TooManyAttachments)
        );
    }

    #[test]
    fn users_cannot_send_platform_messages() {
        let kind = |kind| Draft::new(kind, content("x"), vec![], None).expect("good").kind();
        assert_eq!(kind(MessageKind::System), MessageKind::Text);
        assert_eq!(kind(MessageKind::Image), MessageKind::Image);
    }

    #[test]
    fn an_upload_is_sent_once() {
        let upload = |id| DraftFile::Uploaded(AttachmentId::parse(id).expect("good"));
        let draft = |files| Draft::new(MessageKind::Image, content(""), files, None);
        assert!(draft(vec![upload("a"), file(), upload("b"), file()]).is_ok());
        let duplicate = draft(vec![upload("a"), file(), upload("a")]);
        assert_eq!(duplicate, Err(DraftError::SameUploadTwice));
    }

    #[test]
    fn a_retry_of_an_untidied_text_is_the_same_message() {
        let draft =
            |text| Draft::new(MessageKind::Text, content(text), vec![], None).expect("good");
        let mut message = crate::testing::fixture::unread_message("c1", "ligne\nsuite");
        assert!(draft("ligne\u{b}suite").has_same_content_as(&message));
        assert!(!draft("ligne suite").has_same_content_as(&message));
        // Stored before texts were tidied.
        message.content = Content::stored("ligne\r\nsuite").expect("fits");
        assert!(draft("ligne\r\nsuite").has_same_content_as(&message));
    }

    #[test]
    fn a_retry_names_the_same_files_in_the_same_order() {
        let hosted = file();
        let DraftFile::Hosted(described) = &hosted else { panic!("it is hosted") };
        let id = |id| AttachmentId::parse(id).expect("good");
        let (up, other) = (DraftFile::Uploaded(id("a")), DraftFile::Uploaded(id("b")));
        let mut message = crate::testing::fixture::unread_message("c1", "x");
        message.attachments =
            ["h", "a"].map(|name| Attachment { id: id(name), file: described.clone() }).to_vec();
        let is_same = |files: &[&DraftFile]| {
            let files = files.iter().map(|file| (*file).clone()).collect();
            let draft = Draft::new(MessageKind::Text, content("x"), files, None).expect("good");
            draft.has_same_content_as(&message)
        };
        assert!(is_same(&[&hosted, &up]));
        for files in [&[&hosted, &other][..], &[&up, &hosted], &[&hosted], &[&hosted, &up, &other]]
        {
            assert!(!is_same(files), "{files:?}");
        }
    }
}
