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
    /// How many there are on all pages.
    pub total: u64,
    /// The number of this page; 1 when the page was asked for by cursor.
    #[schema(minimum = 1, maximum = 10_000)]
    pub page: u32,
    /// The most conversations a page holds.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: u32,
    /// How many pages there are.
    pub total_pages: u64,
    /// What to send as `cursor` for the next page; not there on the last one.
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
    /// How many there are on all pages.
    pub total: u64,
    /// The number of this page; 1 when the page was asked for by cursor.
    #[schema(minimum = 1, maximum = 10_000)]
    pub page: u32,
    /// The most messages a page holds.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: u32,
    /// How many pages there are.
    pub total_pages: u64,
    /// Whether there are more behind this page.
    pub has_more: bool,
    /// What to send as `cursor` for the next page; not there on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

impl ConversationPage {
    /// The piece `window` of a list.
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
    /// The piece `window` of a conversation's history.
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

/// What happened in a conversation after a position, oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// Where it happened.
    pub conversation_id: String,
    /// What happened.
    #[schema(max_items = 200)]
    pub events: Vec<LogEntry>,
    /// What to ask after next.
    #[schema(minimum = 0)]
    pub last_seq: i64,
    /// Whether there is more after that.
    pub has_more: bool,
    /// Whether the log no longer reaches back so far, or never came so far: then there are no
    /// events, and the conversation is to be loaded anew.
    pub resync: bool,
}

/// A change of a conversation, as sockets tell it. A message that was deleted since has none, so
/// positions may be left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LogEntry {
    /// What is it called on sockets: `new-message`, `message-deleted`, `conversation-read`,
    /// `conversation-created`, `conversation-updated` or `conversation-deleted`.
    #[schema(example = "new-message")]
    pub event: &'static str,
    /// What is said with it there.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    /// Its position.
    #[schema(minimum = 1)]
    pub seq: i64,
}
