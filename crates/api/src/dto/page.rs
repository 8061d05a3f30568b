use domain::{
    conversation::ConversationView,
    page::{ConversationCursor, MessageCursor, Page, Start, Window},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Conversation, Message};
use crate::{input, links::Links};

/// A page of the caller's conversations, newest message first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationPage {
    /// The conversations.
    #[schema(max_items = 100)]
    pub data: Vec<Conversation>,
    /// Total number of items on all pages.
    pub total: u64,
    /// Page number; 1 if the page was requested by cursor.
    #[schema(minimum = 1, maximum = 10_000)]
    pub page: u32,
    /// Maximum number of items per page.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: u32,
    /// Number of pages.
    pub total_pages: u64,
    /// Value of `cursor` for the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// A page of a conversation's messages, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessagePage {
    /// The messages.
    #[schema(max_items = 100)]
    pub data: Vec<Message>,
    /// Total number of items on all pages.
    pub total: u64,
    /// Page number; 1 if the page was requested by cursor.
    #[schema(minimum = 1, maximum = 10_000)]
    pub page: u32,
    /// Maximum number of items per page.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: u32,
    /// Number of pages.
    pub total_pages: u64,
    /// Whether there is another page.
    pub has_more: bool,
    /// Value of `cursor` for the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

impl ConversationPage {
    /// Converts `page`, which `window` requested.
    pub fn new(
        page: &Page<ConversationView, ConversationCursor>,
        window: &Window<ConversationCursor>,
    ) -> Self {
        Self {
            data: page.items.iter().map(Conversation::from).collect(),
            total: page.total,
            page: number(window),
            limit: window.size.get(),
            total_pages: page.total.div_ceil(u64::from(window.size.get())),
            next_cursor: page.next.as_ref().map(input::encode_conversation_cursor),
        }
    }
}

impl MessagePage {
    /// Converts `page`, which `window` requested; `links` makes the URLs of files.
    pub(crate) fn new(
        page: &Page<domain::conversation::message::Message, MessageCursor>,
        window: &Window<MessageCursor>,
        links: &Links,
    ) -> Self {
        Self {
            data: page.items.iter().map(|message| Message::new(message, links)).collect(),
            total: page.total,
            page: number(window),
            limit: window.size.get(),
            total_pages: page.total.div_ceil(u64::from(window.size.get())),
            has_more: page.next.is_some(),
            next_cursor: page.next.as_ref().map(input::encode_message_cursor),
        }
    }
}

fn number<C>(window: &Window<C>) -> u32 {
    match window.start {
        Start::Number(number) => number.get(),
        Start::After(_) => 1,
    }
}

/// Events of a conversation after a position, oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// Conversation id.
    pub conversation_id: String,
    /// The events.
    #[schema(max_items = 200)]
    pub events: Vec<LogEntry>,
    /// Value of `after` for the next page.
    #[schema(minimum = 0)]
    pub last_seq: i64,
    /// Whether there are more events after `lastSeq`.
    pub has_more: bool,
    /// Whether the requested position is not in the log any more, or not yet: then `events` is empty and
    /// the client must reload the conversation.
    pub resync: bool,
}

/// An event of a conversation, as sockets deliver it. Messages deleted since are omitted, so
/// positions may have gaps.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LogEntry {
    /// Socket event name: `new-message`, `message-deleted`, `conversation-read`,
    /// `conversation-created`, `conversation-updated` or `conversation-deleted`.
    #[schema(example = "new-message")]
    pub event: &'static str,
    /// Socket event payload.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    /// Position in the conversation's event log.
    #[schema(minimum = 1)]
    pub seq: i64,
}
