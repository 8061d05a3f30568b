//! What the server says on a socket: one type for each event, and its name.

use domain::{
    event::Event,
    id::{ConversationId, MessageId, UserId},
    seq::Seq,
};
use serde::Serialize;
use socketio::Frame;

use super::NAMESPACE;
use crate::wire;

/// An event with its name on the wire.
pub(super) trait ServerEvent: Serialize {
    /// The name.
    const NAME: &'static str;

    /// The event, encoded once for everyone who gets it.
    fn frame(&self) -> Option<Frame>
    where
        Self: Sized,
    {
        Frame::new(NAMESPACE, Self::NAME, self)
            .inspect_err(
                |error| tracing::error!(event = Self::NAME, %error, "cannot encode an event"),
            )
            .ok()
    }
}

/// How many messages wait for this person, everywhere.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnreadCountUpdated {
    pub(super) total_unread: u64,
}

/// The newest messages of a conversation, newest first, as of position `last_seq`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConversationHistory<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) messages: Vec<wire::Message>,
    pub(super) last_seq: i64,
}

/// A message was posted.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct NewMessage(pub(super) wire::Message);

/// How many messages wait for this person in one conversation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConversationUnreadUpdated<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) unread_count: u64,
}

/// The other side read a message of this person.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageRead<'a> {
    pub(super) message_id: &'a str,
    pub(super) read_at: String,
}

/// Somebody opened the conversation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserJoined<'a> {
    pub(super) user_id: &'a str,
    pub(super) conversation_id: &'a str,
}

/// An event of the client's, sent without an acknowledgement, failed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failed<'a> {
    pub(super) message: &'a str,
    pub(super) code: &'static str,
    pub(super) event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_message_id: Option<&'a str>,
}

macro_rules! named {
    ($($type:ty => $name:literal,)*) => {
        $(impl ServerEvent for $type {
            const NAME: &'static str = $name;
        })*
    };
}

named! {
    UnreadCountUpdated => "unread-count-updated",
    ConversationHistory<'_> => "conversation-history",
    NewMessage => "new-message",
    ConversationUnreadUpdated<'_> => "conversation-unread-updated",
    MessageRead<'_> => "message-read",
    UserJoined<'_> => "user-joined",
    Failed<'_> => "error",
}

pub(super) fn history(
    conversation: &ConversationId,
    messages: Vec<wire::Message>,
    last_seq: Seq,
) -> Option<Frame> {
    let conversation_id = conversation.as_str();
    ConversationHistory { conversation_id, messages, last_seq: last_seq.get() }.frame()
}

pub(super) fn conversation_unread(
    conversation: &ConversationId,
    unread_count: u64,
) -> Option<Frame> {
    ConversationUnreadUpdated { conversation_id: conversation.as_str(), unread_count }.frame()
}

pub(super) fn message_read(message: &MessageId, event: &Event) -> Option<Frame> {
    MessageRead { message_id: message.as_str(), read_at: event.at.to_string() }.frame()
}

pub(super) fn user_joined(user: &UserId, conversation: &ConversationId) -> Option<Frame> {
    UserJoined { user_id: user.as_str(), conversation_id: conversation.as_str() }.frame()
}
