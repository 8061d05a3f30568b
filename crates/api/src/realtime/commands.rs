//! What clients say on a socket: their events, read into commands.

use std::fmt;

use domain::{
    conversation::message::Draft,
    ids::{ConversationId, MessageId, Seq},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::events::{Failed, OutgoingEvent, ServerEvent as _};
use crate::{
    error::{Code, Failure},
    input::{self, Object},
    texts::{self, Language, Text},
};

/// The events a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventName {
    JoinConversation,
    LeaveConversation,
    SendMessage,
    MarkAsRead,
    MarkConversationAsRead,
    UserTyping,
    UserStoppedTyping,
    Sync,
    AuthRefresh,
}

const NAMES: [(EventName, &str); 9] = [
    (EventName::JoinConversation, "join-conversation"),
    (EventName::LeaveConversation, "leave-conversation"),
    (EventName::SendMessage, "send-message"),
    (EventName::MarkAsRead, "mark-as-read"),
    (EventName::MarkConversationAsRead, "mark-conversation-as-read"),
    (EventName::UserTyping, "user-typing"),
    (EventName::UserStoppedTyping, "user-stopped-typing"),
    (EventName::Sync, "sync"),
    (EventName::AuthRefresh, "auth-refresh"),
];

impl EventName {
    /// Every one of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(event, _)| event)
    }

    /// Reads a name; `None` for an event that is not of our protocol.
    pub(super) fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(event, _)| *event)
    }

    pub(super) fn as_str(self) -> &'static str {
        NAMES.iter().find(|(event, _)| *event == self).map_or("", |(_, name)| name)
    }

    /// Whether it only marks something as read: front ends do so for each message that they show, so it has
    /// a limit of its own.
    pub(super) fn marks_as_read(self) -> bool {
        matches!(self, Self::MarkAsRead | Self::MarkConversationAsRead)
    }

    /// What the old service says, whatever went wrong with such an event.
    fn general_text(self) -> Text {
        match self {
            Self::JoinConversation => texts::JOIN_FAILED,
            Self::LeaveConversation => texts::LEAVE_FAILED,
            Self::SendMessage => texts::SEND_FAILED,
            Self::MarkAsRead => texts::MARK_MESSAGE_FAILED,
            Self::MarkConversationAsRead => texts::MARK_CONVERSATION_FAILED,
            Self::UserTyping | Self::UserStoppedTyping => texts::TYPING_FAILED,
            Self::Sync => texts::SYNC_FAILED,
            Self::AuthRefresh => texts::REFRESH_FAILED,
        }
    }

    /// Whether a client that wants no acknowledgement hears nothing of a failure. The old service
    /// never spoke of these, and the shipped page leaves what it never joined.
    pub(super) fn fails_silently(self) -> bool {
        matches!(self, Self::LeaveConversation | Self::UserTyping | Self::UserStoppedTyping)
    }

    /// The text for people of `failure`: the contract's for this event where it has one,
    /// else the failure's own.
    pub(super) fn text_of(self, failure: &Failure) -> String {
        let marks = self.marks_as_read();
        let general = match failure.code() {
            Code::ValidationFailed | Code::Unavailable | Code::Internal => true,
            Code::MessageNotFound | Code::ConversationNotFound => marks,
            _ => false,
        };
        if general {
            self.general_text().in_language(Language::French).to_owned()
        } else {
            failure.message(Language::French)
        }
    }
}

/// What a client wants done.
#[derive(Debug)]
pub(super) enum Command {
    Join {
        conversation: ConversationId,
        visible: bool,
        /// How far the client has come there, if it knows.
        after: Option<Seq>,
    },
    Leave {
        conversation: ConversationId,
    },
    Send {
        conversation: ConversationId,
        draft: Draft,
    },
    MarkMessage {
        message: MessageId,
    },
    MarkConversation {
        conversation: ConversationId,
    },
    /// Asks what was missed.
    Sync {
        conversations: Vec<SyncFrom>,
    },
    /// Brings another token. `Debug` hides it.
    Refresh {
        token: Token,
    },
    /// Says that one writes, or stopped.
    Write {
        conversation: ConversationId,
        writes: bool,
    },
}

impl Command {
    /// How many commands it counts as: a `sync` as one for each eight conversations begun.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Sync { conversations } => conversations.len().div_ceil(SYNCED_PER_COMMAND),
            _ => 1,
        }
    }
}

/// The fields that payloads of events have. What else they hold is skipped.
pub(super) const FIELDS: &[&str] = &[
    "afterSeq",
    "attachments",
    CLIENT_MESSAGE_ID,
    "content",
    "conversationId",
    "conversations",
    "messageId",
    "recovery",
    "token",
    "visible",
];

/// The fields that are read of an event which is refused unread.
pub(super) const FIELDS_OF_REFUSED: &[&str] = &[CLIENT_MESSAGE_ID];

const CLIENT_MESSAGE_ID: &str = "clientMessageId";

/// Of the payload `json` the fields `known`; what is no object is an empty one.
pub(super) fn payload(json: Option<&str>, known: &[&str]) -> Object {
    json.and_then(|json| Object::parse_known(json, known)).unwrap_or_default()
}

/// The key that a client gave its message, if it is short enough to be sent back.
pub(super) fn client_message_id(payload: &Object) -> Option<&str> {
    let key = payload.fields.get(CLIENT_MESSAGE_ID).and_then(Value::as_str);
    key.filter(|key| key.len() <= 64)
}

/// Reads the payload of an event.
///
/// # Errors
/// A validation failure; or, for an id that nothing can have, what an unknown one gets.
pub(super) fn command(event: EventName, payload: &Object) -> Result<Command, Failure> {
    payload.check()?;
    let payload = &payload.fields;
    match event {
        EventName::JoinConversation => {
            let (conversation, visible) = (conversation(payload)?, visible(payload)?);
            Ok(Command::Join { conversation, visible, after: after(payload)? })
        }
        EventName::LeaveConversation => Ok(Command::Leave { conversation: conversation(payload)? }),
        EventName::SendMessage => {
            let conversation = conversation(payload)?;
            Ok(Command::Send { conversation, draft: input::socket_draft(payload)? })
        }
        EventName::MarkAsRead => {
            let id = id(payload, "messageId", texts::MESSAGE_REQUIRED, texts::MESSAGE_STRING)?;
            let message = MessageId::parse(id).map_err(|_| Failure::message_not_found())?;
            Ok(Command::MarkMessage { message })
        }
        EventName::MarkConversationAsRead => {
            Ok(Command::MarkConversation { conversation: conversation(payload)? })
        }
        EventName::Sync => Ok(Command::Sync { conversations: conversations(payload)? }),
        EventName::AuthRefresh => Ok(Command::Refresh { token: token(payload)? }),
        EventName::UserTyping | EventName::UserStoppedTyping => {
            let (conversation, writes) = (conversation(payload)?, event == EventName::UserTyping);
            Ok(Command::Write { conversation, writes })
        }
    }
}

fn conversation(payload: &Map<String, Value>) -> Result<ConversationId, Failure> {
    let (required, string) = (texts::CONVERSATION_REQUIRED, texts::CONVERSATION_STRING);
    let id = id(payload, "conversationId", required, string)?;
    ConversationId::parse(id).map_err(|_| Failure::conversation_not_found())
}

fn id<'a>(
    payload: &'a Map<String, Value>,
    field: &str,
    required: Text,
    string: Text,
) -> Result<&'a str, Failure> {
    match payload.get(field) {
        Some(Value::String(id)) if id.is_empty() => Err(Failure::validation(vec![required])),
        Some(Value::String(id)) => Ok(id),
        _ => Err(Failure::validation(vec![required, string])),
    }
}

fn visible(payload: &Map<String, Value>) -> Result<bool, Failure> {
    match payload.get("visible") {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(visible)) => Ok(*visible),
        Some(_) => Err(Failure::validation(vec![texts::VISIBLE_BOOLEAN])),
    }
}

// Payloads of clients that resume.

/// The most conversations that are asked for at once.
const SYNC_CONVERSATIONS_MAX: usize = 64;

/// The conversations of a `sync` that cost as much as one command.
const SYNCED_PER_COMMAND: usize = 8;

/// The position up to which a client knows a conversation.
#[derive(Debug)]
pub(crate) struct SyncFrom {
    pub(super) conversation: ConversationId,
    pub(super) after: Seq,
}

/// A token. `Debug` hides it.
pub(crate) struct Token(pub(super) String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// The position a client knows, if it says one.
fn after(payload: &Map<String, Value>) -> Result<Option<Seq>, Failure> {
    match payload.get("afterSeq") {
        None | Some(Value::Null) => Ok(None),
        Some(number) => {
            let after = number.as_i64().and_then(Seq::new);
            after.map(Some).ok_or_else(|| Failure::validation(vec![texts::AFTER_POSITION]))
        }
    }
}

fn conversations(payload: &Map<String, Value>) -> Result<Vec<SyncFrom>, Failure> {
    let list = payload.get("conversations").and_then(Value::as_array);
    let list = list.filter(|list| (1..=SYNC_CONVERSATIONS_MAX).contains(&list.len()));
    let list = list.ok_or_else(|| Failure::validation(vec![texts::SYNC_LIST]))?;
    let read = |item: &Value| {
        let item = item.as_object().ok_or_else(|| Failure::validation(vec![texts::SYNC_LIST]))?;
        let after = after(item)?.unwrap_or(Seq::ZERO);
        Ok(SyncFrom { conversation: conversation(item)?, after })
    };
    list.iter().map(read).collect()
}

fn token(payload: &Map<String, Value>) -> Result<Token, Failure> {
    let token = payload.get("token").and_then(Value::as_str).filter(|token| !token.is_empty());
    let required = || Failure::validation(vec![texts::TOKEN_REQUIRED]);
    token.map(|token| Token(token.to_owned())).ok_or_else(required)
}

// What a command is answered with (D10): an acknowledgement, or, for a client that asked for none,
// an `error` event when it failed.

/// What an event takes beside what it says: its name, what stands around it, and the offset by which a
/// client comes back, in bytes.
const EVENT_OVERHEAD_BYTES: usize = 1_100;

/// How many bytes one answer may still take.
#[derive(Debug)]
pub(super) struct Budget {
    left_bytes: usize,
}

impl Budget {
    /// All of them.
    pub(super) fn of(bytes_max: usize) -> Self {
        Self { left_bytes: bytes_max }
    }

    /// Takes so many; `false`, and takes none, when there are fewer.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let left = self.left_bytes.checked_sub(bytes);
        self.left_bytes = left.unwrap_or(self.left_bytes);
        left.is_some()
    }

    /// The same, for an event that says so many.
    pub(super) fn take_event(&mut self, bytes: usize) -> bool {
        self.take(bytes.saturating_add(EVENT_OVERHEAD_BYTES))
    }
}

/// An acknowledgement: `{ok: true, data}` or `{ok: false, error}`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Answer<'a> {
    Done { ok: bool, data: &'a Value },
    Failed { ok: bool, error: Fault<'a> },
}

/// What went wrong.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fault<'a> {
    code: &'static str,
    message: String,
    /// What exactly is wrong with the payload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl<'a> Answer<'a> {
    /// The answer to `event`, given what came of it.
    pub(super) fn to(event: EventName, outcome: &'a Result<Value, Failure>) -> Self {
        match outcome {
            Ok(data) => Self::Done { ok: true, data },
            Err(failure) => Self::Failed { ok: false, error: Fault::of(event, failure) },
        }
    }
}

impl<'a> Fault<'a> {
    fn of(event: EventName, failure: &'a Failure) -> Self {
        Self {
            code: failure.code().as_str(),
            message: event.text_of(failure),
            details: failure.details(Language::French),
            retry_after_ms: failure.retry_after_ms(),
        }
    }
}

/// The `error` event of a failed `event` for which no acknowledgement was asked. `None` for leaving: the
/// reference sends none, and the shipped front end leaves conversations that it never joined.
pub(super) fn error_event(
    event: EventName,
    client_message_id: Option<&str>,
    failure: &Failure,
) -> Option<OutgoingEvent> {
    if event.fails_silently() {
        return None;
    }
    let (message, code) = (event.text_of(failure), failure.code().as_str());
    let (event, details) = (event.as_str(), failure.details(Language::French));
    let retry_after_ms = failure.retry_after_ms();
    Failed { message: &message, code, event, details, client_message_id, retry_after_ms }.encode()
}

#[cfg(test)]
mod resume_tests {
    use serde_json::json;

    use super::*;

    fn object(payload: Value) -> Map<String, Value> {
        let Value::Object(payload) = payload else { panic!("an object") };
        payload
    }

    #[test]
    fn a_position_is_a_whole_number_or_not_there() {
        for payload in [json!({}), json!({"afterSeq": null})] {
            assert!(matches!(after(&object(payload)), Ok(None)));
        }
        let known = after(&object(json!({"afterSeq": 7}))).expect("a position");
        assert_eq!(known.map(Seq::get), Some(7));
        for bad in [json!(-1), json!(1.5), json!("7"), json!([])] {
            assert!(after(&object(json!({"afterSeq": bad}))).is_err());
        }
    }

    #[test]
    fn a_sync_names_one_conversation_at_least_and_64_at_most() {
        let of = |count: usize| {
            let item = json!({"conversationId": "c1", "afterSeq": 3});
            conversations(&object(json!({"conversations": vec![item; count]}))).map(|all| all.len())
        };
        assert!(matches!((of(1), of(64)), (Ok(1), Ok(64))));
        assert!(of(0).is_err() && of(65).is_err());
        for bad in [json!({}), json!({"conversations": {}}), json!({"conversations": ["c1"]})] {
            assert!(conversations(&object(bad)).is_err());
        }
    }

    #[test]
    fn a_token_is_text_and_never_printed() {
        let read = token(&object(json!({"token": "secret"}))).expect("a text");
        assert_eq!((read.0.as_str(), format!("{read:?}").as_str()), ("secret", "Token(***)"));
        assert!(token(&object(json!({"token": ""}))).is_err());
        assert!(token(&object(json!({"token": 7}))).is_err());
    }
}

#[cfg(test)]
mod answer_tests {
    use super::*;

    #[test]
    fn a_budget_gives_what_it_has_and_keeps_what_is_too_little() {
        let mut budget = Budget::of(EVENT_OVERHEAD_BYTES + 10);
        assert!(!budget.take_event(11) && budget.take_event(4));
        assert!(!budget.take(7) && budget.take(6) && !budget.take(1) && budget.take(0));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(event: &str, payload: Value) -> Result<Command, (Code, String)> {
        let event = EventName::parse(event).expect("an event we listen to");
        let Value::Object(payload) = payload else { panic!("an object") };
        command(event, &payload.into()).map_err(|failure| (failure.code(), event.text_of(&failure)))
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for (event, name) in NAMES {
            assert_eq!((EventName::parse(name), event.as_str()), (Some(event), name));
        }
        assert_eq!(EventName::parse("drop-tables"), None);
    }

    #[test]
    fn good_payloads_become_commands_and_unknown_keys_are_ignored() {
        assert!(matches!(
            read("join-conversation", json!({ "conversationId": "c1", "x": [1] })),
            Ok(Command::Join { visible: true, .. })
        ));
        assert!(matches!(
            read("join-conversation", json!({ "conversationId": "c1", "visible": false })),
            Ok(Command::Join { visible: false, .. })
        ));
        assert!(matches!(
            read("send-message", json!({ "conversationId": "c1", "content": "x", "type": "SYSTEM" })),
            Ok(Command::Send { draft, .. }) if draft.kind() == domain::conversation::message::MessageKind::Text
        ));
        assert!(matches!(
            read("mark-as-read", json!({ "messageId": "m1" })),
            Ok(Command::MarkMessage { .. })
        ));
    }

    #[test]
    fn bad_payloads_are_told_in_the_contract_s_words() {
        let generic = |event, payload| read(event, payload).expect_err("bad");
        let table = [
            (
                "join-conversation",
                json!({}),
                Code::ValidationFailed,
                "Erreur lors de la connexion à la conversation",
            ),
            (
                "join-conversation",
                json!({ "conversationId": 7 }),
                Code::ValidationFailed,
                "Erreur lors de la connexion à la conversation",
            ),
            (
                "join-conversation",
                json!({ "conversationId": "c1", "visible": "yes" }),
                Code::ValidationFailed,
                "Erreur lors de la connexion à la conversation",
            ),
            (
                "join-conversation",
                json!({ "conversationId": "../1" }),
                Code::ConversationNotFound,
                "Conversation non trouvée",
            ),
            (
                "send-message",
                json!({ "conversationId": "c1" }),
                Code::ValidationFailed,
                "Erreur lors de l'envoi du message",
            ),
            (
                "send-message",
                json!({ "conversationId": "c1", "content": "" }),
                Code::ValidationFailed,
                "Erreur lors de l'envoi du message",
            ),
            (
                "send-message",
                json!({ "conversationId": "c1", "content": ["x"] }),
                Code::ValidationFailed,
                "Erreur lors de l'envoi du message",
            ),
            (
                "send-message",
                json!({ "conversationId": "c1", "content": "x", "clientMessageId": "a b" }),
                Code::ValidationFailed,
                "Erreur lors de l'envoi du message",
            ),
            (
                "mark-as-read",
                json!({ "messageId": null }),
                Code::ValidationFailed,
                "Erreur lors du marquage du message",
            ),
            (
                "mark-as-read",
                json!({ "messageId": "é" }),
                Code::MessageNotFound,
                "Erreur lors du marquage du message",
            ),
            (
                "mark-conversation-as-read",
                json!({ "conversationId": "é" }),
                Code::ConversationNotFound,
                "Erreur lors du marquage de la conversation",
            ),
        ];
        for (event, payload, code, text) in table {
            assert_eq!(
                generic(event, payload.clone()),
                (code, text.to_owned()),
                "{event} {payload}"
            );
        }
    }

    #[test]
    fn what_is_no_object_is_an_empty_payload() {
        for json in ["null", "[]", "\"x\"", "7"] {
            assert!(payload(Some(json), FIELDS).fields.is_empty(), "{json}");
        }
        assert!(payload(None, FIELDS).fields.is_empty());
        let keyed = payload(Some(r#"{"clientMessageId":"k","x":[0,0]}"#), FIELDS_OF_REFUSED);
        assert_eq!((client_message_id(&keyed), keyed.fields.len()), (Some("k"), 1));
    }

    #[test]
    fn what_holds_half_a_character_is_refused_and_its_key_is_known() {
        let json = r#"{"conversationId":"c1","content":"\ud83d","clientMessageId":"k"}"#;
        let sent = payload(Some(json), FIELDS);
        assert_eq!(client_message_id(&sent), Some("k"));
        for event in EventName::all() {
            let failure = command(event, &sent).expect_err("it cannot be read");
            let reason = "content contient la moitié d'un caractère (demi-codet UTF-16 isolé)";
            assert_eq!(failure.details(Language::French), [reason], "{event:?}");
        }
    }
}
