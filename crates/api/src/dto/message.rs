use domain::conversation::message;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Attachment, Notice, Participant};
use crate::links::Links;

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
    /// Its words: at most 10,000 characters; may be empty beside attachments.
    #[schema(max_length = 10000)]
    pub content: String,
    /// `TEXT`, `SYSTEM`, `IMAGE` or `FILE`.
    #[serde(rename = "type")]
    #[schema(example = "TEXT")]
    pub kind: String,
    /// What the platform means by it, so that front ends may say it in their own words. Only in
    /// `SYSTEM` messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub system: Option<Notice>,
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

impl Message {
    /// `message`, with links to its files.
    pub(crate) fn new(message: &message::Message, links: &Links) -> Self {
        let attachments = &message.attachments;
        Self {
            id: message.id.to_string(),
            conversation_id: message.conversation.to_string(),
            seq: message.seq.get(),
            content: message.content.as_str().to_owned(),
            kind: message.kind.as_str().to_owned(),
            system: message.notice.as_ref().map(Notice::from),
            is_read: message.is_read,
            read_at: message.read_at.map(|at| at.to_string()),
            created_at: message.created_at.to_string(),
            sender: Participant::from(&message.author),
            attachments: attachments.iter().map(|one| Attachment::new(one, links)).collect(),
        }
    }
}
