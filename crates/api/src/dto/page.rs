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
    /// `page`, which `window` requested, as JSON.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn json(
        page: &Page<ConversationView, ConversationCursor>,
        window: &Window<ConversationCursor>,
    ) -> serde_json::Result<Vec<u8>> {
        let next_cursor = page.next.as_ref().map(input::encode_conversation_cursor);
        written(page, window, None, next_cursor, Conversation::from)
    }
}

impl MessagePage {
    /// `page`, which `window` requested, as JSON; `links` makes the URLs of files.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn json(
        page: &Page<domain::conversation::message::Message, MessageCursor>,
        window: &Window<MessageCursor>,
        links: &Links,
    ) -> serde_json::Result<Vec<u8>> {
        let has_more = Some(page.next.is_some());
        let next_cursor = page.next.as_ref().map(input::encode_message_cursor);
        written(page, window, has_more, next_cursor, |message| Message::new(message, links))
    }
}

/// A page as it is written, with the fields of [`ConversationPage`] or [`MessagePage`].
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenPage<D> {
    data: D,
    total: u64,
    page: u32,
    limit: u32,
    total_pages: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_more: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Converts items one by one as they are written, so that there are never two copies of them all.
struct Converted<'p, T, F>(&'p [T], F);

impl<'p, T, D: Serialize, F: Fn(&'p T) -> D> Serialize for Converted<'p, T, F> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// Room for an item, in bytes, so that few pages are copied while they are written.
const ITEM_BYTES: usize = 768;

fn written<'p, T, C, D: Serialize>(
    page: &'p Page<T, C>,
    window: &Window<C>,
    has_more: Option<bool>,
    next_cursor: Option<String>,
    convert: impl Fn(&'p T) -> D,
) -> serde_json::Result<Vec<u8>> {
    let limit = window.size.get();
    let mut json = Vec::with_capacity((page.items.len() + 1) * ITEM_BYTES);
    let written = WrittenPage {
        data: Converted(&page.items, convert),
        total: page.total,
        page: number(window),
        limit,
        total_pages: page.total.div_ceil(u64::from(limit)),
        has_more,
        next_cursor,
    };
    serde_json::to_writer(&mut json, &written)?;
    Ok(json)
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

#[cfg(test)]
mod tests {
    use domain::page::PageSize;

    use super::*;

    /// What is documented and what is written are two types.
    #[test]
    fn pages_are_written_with_the_fields_that_are_documented() {
        let size = PageSize::clamped(2);
        let seq = domain::ids::Seq::new(7).expect("not negative");
        let page = Page { items: vec![], total: 5, next: Some(MessageCursor(seq)) };
        let window = Window { start: Start::After(MessageCursor(seq)), size };
        let links = Links::new(
            crate::links::Settings::default(),
            std::sync::Arc::new(domain::testing::fixture::FixedClock::still()),
        );
        let documented = MessagePage {
            data: vec![],
            total: 5,
            page: 1,
            limit: 2,
            total_pages: 3,
            has_more: true,
            next_cursor: page.next.as_ref().map(input::encode_message_cursor),
        };
        let written = MessagePage::json(&page, &window, &links).expect("it can be written");
        assert_eq!(written, serde_json::to_vec(&documented).expect("it can be written"));

        let page = Page { items: vec![], total: 0, next: None };
        let documented = ConversationPage {
            data: vec![],
            total: 0,
            page: 1,
            limit: 2,
            total_pages: 0,
            next_cursor: None,
        };
        let written = ConversationPage::json(&page, &Window::first(2)).expect("it can be written");
        assert_eq!(written, serde_json::to_vec(&documented).expect("it can be written"));
    }
}
