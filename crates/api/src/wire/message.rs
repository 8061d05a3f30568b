use domain::{attachment, message};
use serde::Serialize;
use utoipa::ToSchema;

use super::Participant;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Which.
    pub id: String,
    /// Where it was said.
    pub conversation_id: String,
    /// Its position in the conversation's log, by which messages are ordered. Other changes take
    /// positions too, so the positions of messages have gaps.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// Its words: at most 4,000 characters; may be empty beside attachments.
    #[schema(max_length = 4000)]
    pub content: String,
    /// `TEXT`, `SYSTEM`, `IMAGE` or `FILE`.
    #[serde(rename = "type")]
    #[schema(example = "TEXT")]
    pub kind: String,
    /// Whether the other side has read it.
    pub is_read: bool,
    /// When the other side read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub read_at: Option<String>,
    /// When it was posted.
    #[schema(format = DateTime, example = "2026-01-05T09:30:00.000Z")]
    pub created_at: String,
    /// Who said it.
    pub sender: Participant,
    /// Its files, in the sender's order: at most 5.
    #[schema(max_items = 5)]
    pub attachments: Vec<Attachment>,
}

/// A file that belongs to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Which.
    pub id: String,
    /// What it is called.
    pub file_name: String,
    /// Where it is.
    pub file_url: String,
    /// What it is.
    #[schema(example = "image/webp")]
    pub file_type: String,
    /// How large it is, in bytes.
    #[schema(minimum = 1, maximum = 10_485_760)]
    pub file_size: u32,
}

impl From<&message::Message> for Message {
    fn from(message: &message::Message) -> Self {
        Self {
            id: message.id.to_string(),
            conversation_id: message.conversation.to_string(),
            seq: message.seq.get(),
            content: message.content.as_str().to_owned(),
            kind: message.kind.as_str().to_owned(),
            is_read: message.is_read,
            read_at: message.read_at.map(|at| at.to_string()),
            created_at: message.created_at.to_string(),
            sender: Participant::from(&message.author),
            attachments: message.attachments.iter().map(Attachment::from).collect(),
        }
    }
}

impl From<&attachment::Attachment> for Attachment {
    fn from(attachment: &attachment::Attachment) -> Self {
        let file = &attachment.file;
        Self {
            id: attachment.id.to_string(),
            file_name: file.name().to_owned(),
            file_url: file.url().as_str().to_owned(),
            file_type: file.media_type().as_str().to_owned(),
            file_size: file.size_bytes(),
        }
    }
}
