//! What one person hears, wherever they are, and no log holds: numbers and receipts that follow
//! from it.

use domain::{
    event::Event,
    id::{ConversationId, MessageId},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{super::told::Told, ServerEvent as _};

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

/// The other side read a message of this person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct MessageRead<'a> {
    message_id: &'a str,
    read_at: String,
}

pub(in super::super) fn conversation_unread(
    conversation: &ConversationId,
    unread_count: u64,
) -> Option<Told> {
    ConversationUnreadUpdated { conversation_id: conversation.as_str(), unread_count }.told()
}

pub(in super::super) fn message_read(message: &MessageId, event: &Event) -> Option<Told> {
    MessageRead { message_id: message.as_str(), read_at: event.at.to_string() }.told()
}
