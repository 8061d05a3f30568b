use domain::conversation;
use serde::Serialize;
use utoipa::ToSchema;

use super::Participant;

/// A conversation as one of its participants sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Which.
    pub id: String,
    /// Who is on the salon side.
    pub salon_id: String,
    /// Who is on the client side.
    pub client_user_id: String,
    /// The booking it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub appointment_id: Option<String>,
    /// What it is about: at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200)]
    pub subject: Option<String>,
    /// `ACTIVE` or `ARCHIVED`.
    #[schema(example = "ACTIVE")]
    pub status: String,
    /// The salon side.
    pub salon: Participant,
    /// The client side.
    pub client: Participant,
    /// The newest message, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_message: Option<LastMessage>,
    /// How many messages wait for the caller.
    pub unread_count: u64,
    /// The newest position of the conversation's log.
    #[schema(minimum = 0)]
    pub last_seq: i64,
    /// When it was opened.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When subject or status last changed, or a message was last posted.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When the newest message was posted; without any, when the conversation was opened.
    #[schema(format = DateTime)]
    pub last_message_at: String,
}

/// The newest message of a conversation, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastMessage {
    /// Which.
    pub id: String,
    /// What it says.
    pub content: String,
    /// Who said it.
    pub sender_id: String,
    /// `TEXT`, `SYSTEM`, `IMAGE` or `FILE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was posted.
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

/// How many messages wait for the caller, in all conversations, archived ones included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadTotal {
    /// The number.
    pub total_unread: u64,
}

/// A conversation in which something waits for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadItem {
    /// Which.
    pub conversation_id: String,
    /// What it is about; `null` when it has no subject.
    #[schema(required = true)]
    pub subject: Option<String>,
    /// Who is on the client side.
    pub client_id: String,
    /// The client's given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_first_name: Option<String>,
    /// The client's family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_last_name: Option<String>,
    /// Where the client's picture is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_image: Option<String>,
    /// Who is on the salon side.
    pub salon_id: String,
    /// The name over the salon's door.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub salon_name: Option<String>,
    /// The salon's given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub salon_first_name: Option<String>,
    /// The salon's family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub salon_last_name: Option<String>,
    /// Where the salon's picture is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub salon_image: Option<String>,
    /// The newest message that the caller did not write.
    pub last_message: UnreadMessage,
    /// How many messages wait here.
    #[schema(minimum = 1)]
    pub unread_count: u64,
    /// When the newest message of all was posted.
    #[schema(format = DateTime)]
    pub last_message_at: String,
}

/// The newest message that the caller did not write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadMessage {
    /// Which.
    pub id: String,
    /// What it says.
    pub content: String,
    /// `TEXT`, `SYSTEM`, `IMAGE` or `FILE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was posted.
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
