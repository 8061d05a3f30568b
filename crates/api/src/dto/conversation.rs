use domain::conversation;
use serde::Serialize;
use utoipa::ToSchema;

use super::Participant;

/// A conversation as seen by one of its participants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Conversation id.
    pub id: String,
    /// User id of the salon.
    pub salon_id: String,
    /// User id of the client.
    pub client_user_id: String,
    /// Id of the booking it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub appointment_id: Option<String>,
    /// Subject, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub subject: Option<String>,
    /// `ACTIVE` or `ARCHIVED`.
    #[schema(example = "ACTIVE")]
    pub status: String,
    /// The salon.
    pub salon: Participant,
    /// The client.
    pub client: Participant,
    /// Newest message; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_message: Option<LastMessage>,
    /// Number of messages unread by the caller.
    pub unread_count: u64,
    /// Highest position in the conversation's event log.
    #[schema(minimum = 0)]
    pub last_seq: i64,
    /// Creation time.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When the subject or status last changed or the newest message was posted.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When the newest message was posted; before the first one, the creation time.
    #[schema(format = DateTime)]
    pub last_message_at: String,
}

/// Newest message of a conversation, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastMessage {
    /// Message id.
    pub id: String,
    /// Text.
    pub content: String,
    /// User id of the author.
    pub sender_id: String,
    /// `TEXT`, `SYSTEM`, `IMAGE` or `FILE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Creation time.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&conversation::ConversationView> for Conversation {
    fn from(view: &conversation::ConversationView) -> Self {
        let conversation = &view.conversation;
        Self {
            id: conversation.id.to_string(),
            salon_id: conversation.parties.salon.to_string(),
            client_user_id: conversation.parties.client.to_string(),
            appointment_id: conversation.appointment.as_ref().map(ToString::to_string),
            subject: conversation.subject.as_ref().map(|subject| subject.as_str().to_owned()),
            status: conversation.status.as_str().to_owned(),
            salon: Participant::from(&view.salon),
            client: Participant::from(&view.client),
            last_message: view.last_message.as_ref().map(LastMessage::from),
            unread_count: view.unread,
            last_seq: conversation.last_seq.get(),
            created_at: conversation.created_at.to_string(),
            updated_at: conversation.updated_at.to_string(),
            last_message_at: conversation.last_message_at.to_string(),
        }
    }
}

impl From<&conversation::LastMessage> for LastMessage {
    fn from(message: &conversation::LastMessage) -> Self {
        Self {
            id: message.id.to_string(),
            content: message.content.as_str().to_owned(),
            sender_id: message.author.to_string(),
            kind: message.kind.as_str().to_owned(),
            created_at: message.created_at.to_string(),
        }
    }
}

/// Number of messages unread by the caller in all conversations, archived ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadTotal {
    /// Number of unread messages.
    pub total_unread: u64,
}

/// A conversation with messages unread by the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadItem {
    /// Conversation id.
    pub conversation_id: String,
    /// Subject; `null` if it has none.
    #[schema(required = true)]
    pub subject: Option<String>,
    /// User id of the client.
    pub client_id: String,
    /// Given name of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_first_name: Option<String>,
    /// Family name of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_last_name: Option<String>,
    /// URL of the client's picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_image: Option<String>,
    /// User id of the salon.
    pub salon_id: String,
    /// Salon display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub salon_name: Option<String>,
    /// Given name of the salon owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub salon_first_name: Option<String>,
    /// Family name of the salon owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub salon_last_name: Option<String>,
    /// URL of the salon's picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub salon_image: Option<String>,
    /// Newest message not written by the caller.
    pub last_message: UnreadMessage,
    /// Number of messages unread by the caller in this conversation.
    #[schema(minimum = 1)]
    pub unread_count: u64,
    /// When the newest message of the conversation was posted, by either participant.
    #[schema(format = DateTime)]
    pub last_message_at: String,
}

/// Newest message not written by the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadMessage {
    /// Message id.
    pub id: String,
    /// Text.
    pub content: String,
    /// `TEXT`, `SYSTEM`, `IMAGE` or `FILE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Creation time.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&conversation::UnreadConversation> for UnreadItem {
    fn from(unread: &conversation::UnreadConversation) -> Self {
        let (client, salon) = (Participant::from(&unread.client), Participant::from(&unread.salon));
        Self {
            conversation_id: unread.id.to_string(),
            subject: unread.subject.as_ref().map(|subject| subject.as_str().to_owned()),
            client_id: client.id,
            client_first_name: client.first_name,
            client_last_name: client.last_name,
            client_image: client.image,
            salon_id: salon.id,
            salon_name: salon.salon_name,
            salon_first_name: salon.first_name,
            salon_last_name: salon.last_name,
            salon_image: salon.image,
            last_message: UnreadMessage::from(&unread.last_message),
            unread_count: unread.unread,
            last_message_at: unread.last_message_at.to_string(),
        }
    }
}

impl From<&conversation::LastMessage> for UnreadMessage {
    fn from(message: &conversation::LastMessage) -> Self {
        Self {
            id: message.id.to_string(),
            content: message.content.as_str().to_owned(),
            kind: message.kind.as_str().to_owned(),
            created_at: message.created_at.to_string(),
        }
    }
}
