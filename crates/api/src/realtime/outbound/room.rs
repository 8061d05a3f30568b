//! What those who joined a conversation hear, beside what its log holds.

use domain::{
    id::{ConversationId, UserId},
    seq::Seq,
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{super::told::OutgoingEvent, ServerEvent as _};
use crate::wire;

/// The newest messages of a conversation, newest first, as of position `last_seq`: so many as were
/// asked for, and as fit into one answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ConversationHistory<'a> {
    conversation_id: &'a str,
    #[schema(value_type = Vec<wire::Message>)]
    messages: Vec<Box<RawValue>>,
    last_seq: i64,
    /// There are older messages than these.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    has_more: bool,
}

/// Somebody opened the conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct UserJoined<'a> {
    user_id: &'a str,
    conversation_id: &'a str,
}

/// Somebody closed the conversation: their last session that had joined it is not there any more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct UserLeft<'a> {
    user_id: &'a str,
    conversation_id: &'a str,
}

pub(in super::super) fn history(
    conversation: &ConversationId,
    messages: Vec<Box<RawValue>>,
    last_seq: Seq,
    has_more: bool,
) -> Option<OutgoingEvent> {
    let conversation_id = conversation.as_str();
    ConversationHistory { conversation_id, messages, last_seq: last_seq.get(), has_more }.told()
}

pub(in super::super) fn user_joined(
    user: &UserId,
    conversation: &ConversationId,
) -> Option<OutgoingEvent> {
    UserJoined { user_id: user.as_str(), conversation_id: conversation.as_str() }.told()
}

pub(in super::super) fn user_left(
    user: &UserId,
    conversation: &ConversationId,
) -> Option<OutgoingEvent> {
    UserLeft { user_id: user.as_str(), conversation_id: conversation.as_str() }.told()
}
