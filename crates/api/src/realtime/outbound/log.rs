//! What a conversation's log holds: durable, each with its position.

use domain::{
    conversation::{Parties, Status},
    event::ReadReceipt,
    id::MessageId,
    text::Subject,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::told::LogPosition;
use crate::wire;

/// A message was posted.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
pub(in super::super) struct NewMessage(pub(in super::super) wire::Message);

/// A conversation was opened. What is not known is left out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ConversationCreated<'a> {
    conversation_id: &'a str,
    salon_id: &'a str,
    client_user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    subject: Option<&'a str>,
    status: &'static str,
    seq: i64,
}

impl<'a> ConversationCreated<'a> {
    pub(in super::super) fn new(
        place: &'a LogPosition,
        parties: &'a Parties,
        subject: Option<&'a Subject>,
        status: Status,
    ) -> Self {
        Self {
            conversation_id: place.conversation.as_str(),
            salon_id: parties.salon.as_str(),
            client_user_id: parties.client.as_str(),
            subject: subject.map(Subject::as_str),
            status: status.as_str(),
            seq: place.seq.get(),
        }
    }
}

/// Subject or status changed: both as they are now. Without `subject` there is none any more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ConversationUpdated<'a> {
    conversation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    subject: Option<&'a str>,
    status: &'static str,
    seq: i64,
}

impl<'a> ConversationUpdated<'a> {
    pub(in super::super) fn new(
        place: &'a LogPosition,
        subject: Option<&'a Subject>,
        status: Status,
    ) -> Self {
        Self {
            conversation_id: place.conversation.as_str(),
            subject: subject.map(Subject::as_str),
            status: status.as_str(),
            seq: place.seq.get(),
        }
    }
}

/// A conversation was taken away, with everything in it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ConversationDeleted<'a> {
    conversation_id: &'a str,
    seq: i64,
}

impl<'a> ConversationDeleted<'a> {
    pub(in super::super) fn new(place: &'a LogPosition) -> Self {
        Self { conversation_id: place.conversation.as_str(), seq: place.seq.get() }
    }
}

/// A message was deleted by its author.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct MessageDeleted<'a> {
    conversation_id: &'a str,
    message_id: &'a str,
    seq: i64,
}

impl<'a> MessageDeleted<'a> {
    pub(in super::super) fn new(place: &'a LogPosition, message: &'a MessageId) -> Self {
        Self {
            conversation_id: place.conversation.as_str(),
            message_id: message.as_str(),
            seq: place.seq.get(),
        }
    }
}

/// Somebody has read a conversation up to a position.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ConversationRead<'a> {
    conversation_id: &'a str,
    reader_id: &'a str,
    up_to_seq: i64,
    read_at: String,
    seq: i64,
}

impl<'a> ConversationRead<'a> {
    pub(in super::super) fn new(
        place: &'a LogPosition,
        receipt: &'a ReadReceipt,
        at: Timestamp,
    ) -> Self {
        Self {
            conversation_id: place.conversation.as_str(),
            reader_id: receipt.reader.as_str(),
            up_to_seq: receipt.up_to.get(),
            read_at: at.to_string(),
            seq: place.seq.get(),
        }
    }
}
