//! What clients say on a socket: their events, read into commands.

mod resume;

use domain::{
    id::{ConversationId, MessageId},
    message::Draft,
    seq::Seq,
};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    code::Code,
    failure::Failure,
    input::{self, Object},
    texts::{self, Language, Text},
};

pub(super) use self::resume::{SyncFrom, Token};

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

/// The first argument of an event; other arguments are ignored, and what is no object is an empty one.
pub(super) fn payload(args: &[Box<RawValue>]) -> Object {
    args.first().and_then(|arg| Object::parse(arg.get())).unwrap_or_default()
}

/// The key a client gave its message, as far as it can be told back to it.
pub(super) fn client_message_id(payload: &Object) -> Option<&str> {
    let key = payload.fields.get("clientMessageId").and_then(Value::as_str);
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
            Ok(Command::Join { conversation, visible, after: resume::after(payload)? })
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
        EventName::Sync => Ok(Command::Sync { conversations: resume::conversations(payload)? }),
        EventName::AuthRefresh => Ok(Command::Refresh { token: resume::token(payload)? }),
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

#[cfg(test)]
mod tests;
