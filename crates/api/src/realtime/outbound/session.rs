//! What one session hears about itself.

use domain::{id::ConversationId, time::Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::{super::told::OutgoingEvent, ServerEvent as _};

/// A command sent without an acknowledgement failed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Failed<'a> {
    pub(in super::super) message: &'a str,
    pub(in super::super) code: &'static str,
    pub(in super::super) event: &'a str,
    /// What exactly is wrong with the payload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(in super::super) details: Vec<&'a str>,
    /// The sender's key of the message that failed, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(in super::super) client_message_id: Option<&'a str>,
}

/// What was missed is too much, or no longer known: the client loads the conversation anew, or,
/// when none is named, everything it shows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Resync<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conversation_id: Option<&'a str>,
}

/// The session's token ends soon, and the session with it, unless it is refreshed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct AuthExpiring {
    expires_at: String,
}

/// This server is about to close its connections; others, or it again, are there in a while.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ServerDraining {
    retry_after_ms: u64,
}

pub(in super::super) fn resync(conversation: Option<&ConversationId>) -> Option<OutgoingEvent> {
    Resync { conversation_id: conversation.map(ConversationId::as_str) }.told()
}

pub(in super::super) fn auth_expiring(at: Timestamp) -> Option<OutgoingEvent> {
    AuthExpiring { expires_at: at.to_string() }.told()
}

pub(in super::super) fn server_draining(retry_after_ms: u64) -> Option<OutgoingEvent> {
    ServerDraining { retry_after_ms }.told()
}
