//! What one person hears, wherever they are, and no log holds: numbers and receipts that follow
//! from it.

use domain::{id::ConversationId, ports::MarkedMessage};
use serde::Serialize;
use utoipa::ToSchema;

use super::{super::told::OutgoingEvent, ServerEvent as _};

/// How many messages wait for this person, everywhere.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct UnreadCountUpdated {
    pub(in super::super) total_unread: u64,
}

/// How many messages wait for this person in one conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ConversationUnreadUpdated<'a> {
    conversation_id: &'a str,
    unread_count: u64,
}

/// The other side marked this message of this person as read, by itself. Told once, live, and not
/// for what is read with it, before it or on arrival: for that there is `conversation-read`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct MessageRead<'a> {
    message_id: &'a str,
    read_at: String,
}

pub(in super::super) fn conversation_unread(
    conversation: &ConversationId,
    unread_count: u64,
) -> Option<OutgoingEvent> {
    ConversationUnreadUpdated { conversation_id: conversation.as_str(), unread_count }.told()
}

pub(in super::super) fn message_read(marked: &MarkedMessage) -> Option<OutgoingEvent> {
    let MarkedMessage { message, read_at, .. } = marked;
    MessageRead { message_id: message.as_str(), read_at: read_at.to_string() }.told()
}
