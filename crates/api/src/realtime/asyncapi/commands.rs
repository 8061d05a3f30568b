//! Payloads of commands for the specification. [`commands`](super::super::commands) reads them and
//! gives every reason why one is not acceptable; these are only descriptions, and a test compares them
//! with it.

#![expect(dead_code, reason = "only the schemas of these types are used")]
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{http::schema::MessageFile, realtime::commands::EventName};

/// An event, as the specification needs it.
pub(super) struct Described {
    pub(super) name: &'static str,
    /// Commands and events may share a name, `user-typing` for one, but not this.
    pub(super) key: String,
    /// What its payload looks like.
    pub(super) payload: RefOr<Schema>,
    /// What that refers to.
    pub(super) parts: Vec<(String, RefOr<Schema>)>,
}

impl Described {
    /// The event `name`, sent with payloads of type `T`.
    pub(super) fn event<T: ToSchema>(name: &'static str) -> Self {
        Self::with_payload::<T>(name, format!("event.{name}"))
    }

    fn with_payload<T: ToSchema>(name: &'static str, key: String) -> Self {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        Self { name, key, payload: <T as PartialSchema>::schema(), parts }
    }
}

/// Who the client is. Over Socket.IO the `auth` of its handshake; on the plain WebSocket the first line.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct Authentication {
    /// The raw JWT; a `Bearer ` in front of it is accepted.
    token: String,
    /// Socket.IO only. `false`: events come with one argument, without the offset by which
    /// `socket.io-client` recovers after a cut. `true` asks for it where the server offers it to those
    /// who ask. As a text, too.
    #[schema(nullable = false)]
    recovery: Option<bool>,
}

/// Opens a conversation: its history, then everything that happens there.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct JoinConversation {
    /// Which.
    conversation_id: String,
    /// `false`: what arrives is not marked as read.
    #[schema(nullable = false, default = true)]
    visible: Option<bool>,
    /// Instead of the history: everything after this position.
    #[schema(nullable = false, minimum = 0)]
    after_seq: Option<i64>,
}

/// A conversation.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct OneConversation {
    /// Which.
    conversation_id: String,
}

/// Posts a message.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct SendMessage {
    /// Where.
    conversation_id: String,
    /// Its words; may be empty beside an attachment.
    #[schema(max_length = 10000, example = "Samedi à 14 h ?")]
    content: String,
    /// Its files.
    #[schema(nullable = false, max_items = 5)]
    attachments: Option<Vec<MessageFile>>,
    /// The sender's own key: sent again with the same key, the message is not posted again.
    #[schema(nullable = false, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    client_message_id: Option<String>,
}

/// Marks a message as read, and everything before it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct OneMessage {
    /// Which.
    message_id: String,
}

/// Asks for what was missed.
#[derive(ToSchema)]
struct Sync {
    /// Where, and since when.
    #[schema(max_items = 64)]
    conversations: Vec<SyncFrom>,
}

/// A conversation, and how far it is known.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct SyncFrom {
    /// Which.
    conversation_id: String,
    /// Everything up to this position is known.
    #[schema(minimum = 0)]
    after_seq: i64,
}

/// A newer token of the same person.
#[derive(ToSchema)]
struct OneToken {
    /// The raw JWT.
    token: String,
}

/// What came of a command.
#[derive(ToSchema)]
struct Acknowledgement {
    /// Whether it was done.
    ok: bool,
    /// What it brought, when it was done.
    #[schema(nullable = false)]
    data: Option<Value>,
    /// What is wrong, when it was not.
    #[schema(nullable = false)]
    error: Option<CommandFault>,
}

/// What is wrong with a command.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct CommandFault {
    /// For programs.
    code: String,
    /// For people, in French.
    message: String,
    /// What exactly is wrong with the payload.
    #[schema(nullable = false)]
    details: Option<Vec<String>>,
    /// When to try again.
    #[schema(nullable = false, minimum = 0)]
    retry_after_ms: Option<u64>,
}

/// Every command, authentication first.
pub(super) fn described() -> Vec<Described> {
    let auth = Described::with_payload::<Authentication>("auth", "command.auth".to_owned());
    [auth].into_iter().chain(EventName::all().map(describe)).collect()
}

/// The answer to each of them.
pub(super) fn answer() -> Described {
    Described::with_payload::<Acknowledgement>("acknowledgement", "acknowledgement".to_owned())
}

fn describe(event: EventName) -> Described {
    match event {
        EventName::JoinConversation => command::<JoinConversation>(event),
        EventName::SendMessage => command::<SendMessage>(event),
        EventName::MarkAsRead => command::<OneMessage>(event),
        EventName::Sync => command::<Sync>(event),
        EventName::AuthRefresh => command::<OneToken>(event),
        EventName::LeaveConversation
        | EventName::MarkConversationAsRead
        | EventName::UserTyping
        | EventName::UserStoppedTyping => command::<OneConversation>(event),
    }
}

fn command<T: ToSchema>(event: EventName) -> Described {
    let name = event.as_str();
    Described::with_payload::<T>(name, format!("command.{name}"))
}
