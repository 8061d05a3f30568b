//! The events that sessions are sent: encoded as JSON once, and framed once for each transport,
//! however many sessions receive them.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use domain::{
    conversation::{
        Parties, Status,
        event::{Event, ReadReceipt},
    },
    ids::{ConversationId, MessageId, Seq, UserId},
    ports::MarkedMessage,
    text::Subject,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use socketio::Frame;
use utoipa::ToSchema;

use crate::dto;

/// The Socket.IO namespace of conversations.
pub(crate) const NAMESPACE: &str = "/messaging";

/// A position in a conversation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogPosition {
    pub(crate) conversation: ConversationId,
    pub(crate) seq: Seq,
}

impl LogPosition {
    pub(super) fn of(event: &Event) -> Self {
        Self { conversation: event.conversation.clone(), seq: event.seq }
    }
}

/// An event on its way to sessions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct OutgoingEvent(Arc<Inner>);

struct Inner {
    name: &'static str,
    data: Box<RawValue>,
    position: Option<LogPosition>,
    /// The same for sessions that have not joined the conversation, where that differs.
    elsewhere: Option<OutgoingEvent>,
    frame: OnceLock<Option<Frame>>,
    json_line: OnceLock<Arc<str>>,
}

impl OutgoingEvent {
    /// The event `name` with its payload. `position` is given for an entry of a log: a session that was
    /// sent it was sent that conversation up to there.
    pub(super) fn new(
        name: &'static str,
        data: Box<RawValue>,
        position: Option<LogPosition>,
    ) -> Self {
        let (frame, json_line) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Inner { name, data, position, elsewhere: None, frame, json_line }))
    }

    /// This event, and `elsewhere` in its place for sessions that have not joined the conversation.
    fn with_elsewhere(self, elsewhere: Self) -> Self {
        let Inner { name, data, position, .. } = &*self.0;
        let (frame, json_line) = (OnceLock::new(), OnceLock::new());
        let (data, position) = (data.clone(), position.clone());
        let elsewhere = Some(elsewhere);
        Self(Arc::new(Inner { name, data, position, elsewhere, frame, json_line }))
    }

    /// The form for a session that has not joined the conversation: without the position.
    pub(crate) fn elsewhere(&self) -> &Self {
        self.0.elsewhere.as_ref().unwrap_or(self)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.0.name
    }

    /// The payload.
    pub(crate) fn data(&self) -> &RawValue {
        &self.0.data
    }

    /// Its position in a log; `None` for what is in no log.
    pub(crate) fn position(&self) -> Option<&LogPosition> {
        self.0.position.as_ref()
    }

    /// The Socket.IO packet; `None` when it cannot be encoded.
    pub(super) fn frame(&self) -> Option<&Frame> {
        let frame = || {
            let arguments = std::slice::from_ref(&self.0.data);
            Frame::from_raw(NAMESPACE, self.0.name, arguments, Vec::new())
                .inspect_err(|error| {
                    tracing::error!(event = self.0.name, %error, "cannot frame an event");
                })
                .ok()
        };
        self.0.frame.get_or_init(frame).as_ref()
    }

    /// The line of the plain WebSocket: `{"event":…,"data":…,"seq":…}`, without `seq` for what is in
    /// no log.
    pub(super) fn json_line(&self) -> &Arc<str> {
        let line = || {
            let Inner { name, data, position, .. } = &*self.0;
            match position {
                Some(LogPosition { seq, .. }) => {
                    format!(r#"{{"event":"{name}","data":{data},"seq":{seq}}}"#).into()
                }
                None => format!(r#"{{"event":"{name}","data":{data}}}"#).into(),
            }
        };
        self.0.json_line.get_or_init(line)
    }
}

/// Hides the payload.
impl fmt::Debug for OutgoingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingEvent")
            .field("name", &self.0.name)
            .field("position", &self.0.position)
            .finish_non_exhaustive()
    }
}

// The events of the server: one type for each, and its name on the wire.

/// An event with its name on the wire.
pub(super) trait ServerEvent: Serialize {
    /// The name.
    const NAME: &'static str;

    /// The event, encoded once for all receivers. `None` when it cannot be encoded, which
    /// is logged.
    fn encode(&self) -> Option<OutgoingEvent>
    where
        Self: Sized,
    {
        encode(self, None)
    }

    /// The event as an entry of a log, for sessions that have joined the conversation.
    fn encode_at(&self, position: LogPosition) -> Option<OutgoingEvent>
    where
        Self: Sized,
    {
        encode(self, Some(position))
    }
}

/// An entry of a conversation's log that is sent to all sessions of its participants.
///
/// Only sessions that have joined are sent positions: others are not sent everything
/// before it, and would resume behind what they never received.
pub(super) trait LogEvent: ServerEvent {
    /// Sets the position in the payload.
    fn set_seq(&mut self, seq: Option<i64>);

    /// The event, with its position for sessions that have joined and without for others.
    fn encode_for_people(mut self, position: LogPosition) -> Option<OutgoingEvent>
    where
        Self: Sized,
    {
        self.set_seq(None);
        let elsewhere = self.encode()?;
        self.set_seq(Some(position.seq.get()));
        Some(self.encode_at(position)?.with_elsewhere(elsewhere))
    }
}

fn encode<E: ServerEvent>(event: &E, position: Option<LogPosition>) -> Option<OutgoingEvent> {
    to_raw_value(event)
        .inspect_err(|error| tracing::error!(event = E::NAME, %error, "cannot encode an event"))
        .ok()
        .map(|data| OutgoingEvent::new(E::NAME, data, position))
}

/// Expands `$expand` with every event and its name.
macro_rules! with_every_event {
    ($expand:ident) => {
        $expand! {
            ConversationCreated<'_> => "conversation-created",
            ConversationUpdated<'_> => "conversation-updated",
            ConversationDeleted<'_> => "conversation-deleted",
            ConversationRead<'_> => "conversation-read",
            MessageDeleted<'_> => "message-deleted",
            NewMessage => "new-message",
            PresenceSnapshot<'_> => "presence-snapshot",
            UnreadCountUpdated => "unread-count-updated",
            UserOffline<'_> => "user-offline",
            UserOnline<'_> => "user-online",
            UserStoppedTyping<'_> => "user-stopped-typing",
            UserTyping<'_> => "user-typing",
            ConversationUnreadUpdated<'_> => "conversation-unread-updated",
            MessageRead<'_> => "message-read",
            ConversationHistory<'_> => "conversation-history",
            UserJoined<'_> => "user-joined",
            UserLeft<'_> => "user-left",
            Failed<'_> => "error",
            Resync<'_> => "resync",
            AuthExpiring => "auth-expiring",
            ServerDraining => "server-draining",
        }
    };
}

macro_rules! name_events {
    ($($type:ty => $name:literal,)*) => {
        $(impl ServerEvent for $type {
            const NAME: &'static str = $name;
        })*
    };
}

with_every_event!(name_events);
pub(super) use with_every_event;

// Presence and typing: in no log, and may be dropped.

/// A partner of this person came online.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserOnline<'a> {
    pub(super) user_id: &'a str,
    pub(super) user_name: &'a str,
}

/// A partner of this person went offline.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserOffline<'a> {
    pub(super) user_id: &'a str,
}

/// Everyone this person talks with who is online now.
#[derive(Serialize, ToSchema)]
pub(crate) struct PresenceSnapshot<'a> {
    pub(super) online: Vec<OnlinePerson<'a>>,
}

/// A person who is online.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OnlinePerson<'a> {
    pub(super) user_id: &'a str,
}

/// A participant is typing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserTyping<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) user_id: &'a str,
    pub(super) user_name: &'a str,
}

/// A participant has stopped typing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserStoppedTyping<'a> {
    pub(super) conversation_id: &'a str,
    pub(super) user_id: &'a str,
}

// The entries of a conversation's log: durable, each with its position.

/// A message was posted.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct NewMessage(pub(super) dto::Message);

/// A conversation was opened. What is not known is left out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationCreated<'a> {
    conversation_id: &'a str,
    salon_id: &'a str,
    client_user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    subject: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seq: Option<i64>,
}

impl<'a> ConversationCreated<'a> {
    pub(super) fn new(
        conversation: &'a ConversationId,
        parties: &'a Parties,
        subject: Option<&'a Subject>,
        status: Status,
    ) -> Self {
        Self {
            conversation_id: conversation.as_str(),
            salon_id: parties.salon.as_str(),
            client_user_id: parties.client.as_str(),
            subject: subject.map(Subject::as_str),
            status: status.as_str(),
            seq: None,
        }
    }
}

/// Subject or status changed: both as they are now. Without `subject` there is none any more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationUpdated<'a> {
    conversation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    subject: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seq: Option<i64>,
}

impl<'a> ConversationUpdated<'a> {
    pub(super) fn new(
        conversation: &'a ConversationId,
        subject: Option<&'a Subject>,
        status: Status,
    ) -> Self {
        Self {
            conversation_id: conversation.as_str(),
            subject: subject.map(Subject::as_str),
            status: status.as_str(),
            seq: None,
        }
    }
}

/// A conversation was taken away, with everything in it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationDeleted<'a> {
    conversation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seq: Option<i64>,
}

impl<'a> ConversationDeleted<'a> {
    pub(super) fn new(conversation: &'a ConversationId) -> Self {
        Self { conversation_id: conversation.as_str(), seq: None }
    }
}

/// A message was deleted by its author.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageDeleted<'a> {
    conversation_id: &'a str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seq: Option<i64>,
}

impl<'a> MessageDeleted<'a> {
    pub(super) fn new(conversation: &'a ConversationId, message: &'a MessageId) -> Self {
        Self { conversation_id: conversation.as_str(), message_id: message.as_str(), seq: None }
    }
}

/// A participant has read the conversation up to a position.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationRead<'a> {
    conversation_id: &'a str,
    reader_id: &'a str,
    up_to_seq: i64,
    read_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seq: Option<i64>,
}

impl<'a> ConversationRead<'a> {
    pub(super) fn new(
        conversation: &'a ConversationId,
        receipt: &'a ReadReceipt,
        at: Timestamp,
    ) -> Self {
        Self {
            conversation_id: conversation.as_str(),
            reader_id: receipt.reader.as_str(),
            up_to_seq: receipt.up_to.get(),
            read_at: at.to_string(),
            seq: None,
        }
    }
}

macro_rules! log_events {
    ($($type:ty,)*) => {
        $(impl LogEvent for $type {
            fn set_seq(&mut self, seq: Option<i64>) {
                self.seq = seq;
            }
        })*
    };
}

log_events! {
    ConversationCreated<'_>,
    ConversationUpdated<'_>,
    ConversationDeleted<'_>,
    MessageDeleted<'_>,
    ConversationRead<'_>,
}

// What is sent to all sessions of one person and stands in no log: numbers and receipts that follow from
// it.

/// How many messages wait for this person, everywhere.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnreadCountUpdated {
    pub(super) total_unread: u64,
}

/// How many messages wait for this person in one conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConversationUnreadUpdated<'a> {
    conversation_id: &'a str,
    unread_count: u64,
}

/// The other side marked this message of this person as read, by itself. Sent once, live, and not
/// for what is read with it, before it or on arrival: for that there is `conversation-read`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageRead<'a> {
    message_id: &'a str,
    read_at: String,
}

pub(crate) fn conversation_unread(
    conversation: &ConversationId,
    unread_count: u64,
) -> Option<OutgoingEvent> {
    ConversationUnreadUpdated { conversation_id: conversation.as_str(), unread_count }.encode()
}

pub(crate) fn message_read(marked: &MarkedMessage) -> Option<OutgoingEvent> {
    let MarkedMessage { message, read_at, .. } = marked;
    MessageRead { message_id: message.as_str(), read_at: read_at.to_string() }.encode()
}

// What those who joined a conversation hear, beside what its log holds.

/// The newest messages of a conversation, newest first, as of position `last_seq`: so many as were
/// asked for, and as fit into one answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConversationHistory<'a> {
    conversation_id: &'a str,
    #[schema(value_type = Vec<dto::Message>)]
    messages: Vec<Box<RawValue>>,
    last_seq: i64,
    /// There are older messages than these.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    has_more: bool,
}

/// A participant opened the conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserJoined<'a> {
    user_id: &'a str,
    conversation_id: &'a str,
}

/// A participant closed the conversation: the last of their sessions that had joined it left or ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserLeft<'a> {
    user_id: &'a str,
    conversation_id: &'a str,
}

pub(crate) fn history(
    conversation: &ConversationId,
    messages: Vec<Box<RawValue>>,
    last_seq: Seq,
    has_more: bool,
) -> Option<OutgoingEvent> {
    let conversation_id = conversation.as_str();
    ConversationHistory { conversation_id, messages, last_seq: last_seq.get(), has_more }.encode()
}

pub(crate) fn user_joined(user: &UserId, conversation: &ConversationId) -> Option<OutgoingEvent> {
    UserJoined { user_id: user.as_str(), conversation_id: conversation.as_str() }.encode()
}

pub(crate) fn user_left(user: &UserId, conversation: &ConversationId) -> Option<OutgoingEvent> {
    UserLeft { user_id: user.as_str(), conversation_id: conversation.as_str() }.encode()
}

// What one session hears about itself.

/// A command sent without an acknowledgement failed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failed<'a> {
    pub(super) message: &'a str,
    pub(super) code: &'static str,
    pub(super) event: &'a str,
    /// What exactly is wrong with the payload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) details: Vec<&'a str>,
    /// The sender's key of the message that failed, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) client_message_id: Option<&'a str>,
    /// How long to wait before the command is repeated, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) retry_after_ms: Option<u64>,
}

/// What was missed is too much, or no longer in the log: the client reloads the conversation, or,
/// when none is named, everything it shows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resync<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conversation_id: Option<&'a str>,
}

/// The session's token ends soon, and the session with it, unless it is refreshed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthExpiring {
    expires_at: String,
}

/// This server is about to close its connections; others, or it again, are there in a while.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerDraining {
    retry_after_ms: u64,
}

pub(crate) fn resync(conversation: Option<&ConversationId>) -> Option<OutgoingEvent> {
    Resync { conversation_id: conversation.map(ConversationId::as_str) }.encode()
}

pub(crate) fn auth_expiring(at: Timestamp) -> Option<OutgoingEvent> {
    AuthExpiring { expires_at: at.to_string() }.encode()
}

pub(crate) fn server_draining(retry_after_ms: u64) -> Option<OutgoingEvent> {
    ServerDraining { retry_after_ms }.encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(position: Option<LogPosition>) -> OutgoingEvent {
        let data = RawValue::from_string(r#"{"a":[1.0,null]}"#.to_owned()).expect("JSON");
        OutgoingEvent::new("new-message", data, position)
    }

    fn fifth() -> LogPosition {
        let conversation = ConversationId::parse("c1").expect("a good id");
        LogPosition { conversation, seq: Seq::new(5).expect("not negative") }
    }

    #[test]
    fn each_transport_has_its_own_encoding() {
        let event = outgoing(Some(fifth()));
        let frame = event.frame().expect("a good name").text();
        assert_eq!(frame, r#"42/messaging,["new-message",{"a":[1.0,null]}]"#);
        assert_eq!(
            &**event.json_line(),
            r#"{"event":"new-message","data":{"a":[1.0,null]},"seq":5}"#
        );
    }

    #[test]
    fn what_no_log_holds_has_no_position() {
        assert_eq!(
            &**outgoing(None).json_line(),
            r#"{"event":"new-message","data":{"a":[1.0,null]}}"#
        );
    }

    #[test]
    fn it_is_framed_once() {
        let (event, again) = (outgoing(None), outgoing(None));
        let shared = event.clone();
        assert!(Arc::ptr_eq(event.json_line(), shared.json_line()));
        assert!(!Arc::ptr_eq(event.json_line(), again.json_line()));
    }
}
