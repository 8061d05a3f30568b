//! What clients say on a socket: their events, read into commands.

use domain::{
    id::{ConversationId, MessageId},
    message::Draft,
};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    code::Code,
    failure::Failure,
    input,
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
}

const NAMES: [(EventName, &str); 5] = [
    (EventName::JoinConversation, "join-conversation"),
    (EventName::LeaveConversation, "leave-conversation"),
    (EventName::SendMessage, "send-message"),
    (EventName::MarkAsRead, "mark-as-read"),
    (EventName::MarkConversationAsRead, "mark-conversation-as-read"),
];

impl EventName {
    /// Reads a name; `None` for an event that nobody listens to.
    pub(super) fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(event, _)| *event)
    }

    pub(super) fn as_str(self) -> &'static str {
        NAMES.iter().find(|(event, _)| *event == self).map_or("", |(_, name)| name)
    }

    /// What the old service says, whatever went wrong with such an event.
    fn general_text(self) -> Text {
        match self {
            Self::JoinConversation => texts::JOIN_FAILED,
            Self::LeaveConversation => texts::LEAVE_FAILED,
            Self::SendMessage => texts::SEND_FAILED,
            Self::MarkAsRead => texts::MARK_MESSAGE_FAILED,
            Self::MarkConversationAsRead => texts::MARK_CONVERSATION_FAILED,
        }
    }

    /// What a person is told of `failure`: the contract's text for this event where it has one,
    /// else the failure's own.
    pub(super) fn text_of(self, failure: &Failure) -> String {
        let marks = matches!(self, Self::MarkAsRead | Self::MarkConversationAsRead);
        let general = match failure.code() {
            Code::ValidationFailed | Code::Unavailable | Code::Internal => true,
            Code::MessageNotFound | Code::ConversationNotFound => marks,
            _ => false,
        };
        if general {
            self.general_text().say(Language::French).to_owned()
        } else {
            failure.message(Language::French)
        }
    }
}

/// What a client wants done.
#[derive(Debug)]
pub(super) enum Command {
    Join { conversation: ConversationId, visible: bool },
    Leave { conversation: ConversationId },
    Send { conversation: ConversationId, draft: Draft },
    MarkMessage { message: MessageId },
    MarkConversation { conversation: ConversationId },
}

/// The first argument of an event as an object; other arguments are ignored.
pub(super) fn payload(args: &[Box<RawValue>]) -> Option<Map<String, Value>> {
    args.first().and_then(|arg| serde_json::from_str(arg.get()).ok())
}

/// The key a client gave its message, as far as it can be told back to it.
pub(super) fn client_message_id(payload: &Map<String, Value>) -> Option<&str> {
    payload.get("clientMessageId").and_then(Value::as_str).filter(|key| key.len() <= 64)
}

/// Reads the payload of an event.
///
/// # Errors
/// A validation failure; or, for an id that nothing can have, what an unknown one gets.
pub(super) fn command(event: EventName, payload: &Map<String, Value>) -> Result<Command, Failure> {
    match event {
        EventName::JoinConversation => {
            let (conversation, visible) = (conversation(payload)?, visible(payload)?);
            Ok(Command::Join { conversation, visible })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(event: &str, payload: Value) -> Result<Command, (Code, String)> {
        let event = EventName::parse(event).expect("an event we listen to");
        let Value::Object(payload) = payload else { panic!("an object") };
        command(event, &payload).map_err(|failure| (failure.code(), event.text_of(&failure)))
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
            Ok(Command::Send { draft, .. }) if draft.kind() == domain::message::MessageKind::Text
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
        let args = |json: &str| vec![RawValue::from_string(json.to_owned()).expect("JSON")];
        for json in ["null", "[]", "\"x\"", "7"] {
            assert_eq!(payload(&args(json)), None, "{json}");
        }
        assert_eq!(payload(&[]), None);
        assert_eq!(
            client_message_id(&payload(&args(r#"{"clientMessageId":"k"}"#)).expect("one")),
            Some("k")
        );
    }
}
