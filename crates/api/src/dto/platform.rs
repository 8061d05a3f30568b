use domain::{privacy::erasure, retention};
use serde::Serialize;
use utoipa::ToSchema;

/// Acknowledgement of a booking event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// Event id.
    pub event_id: String,
    /// Whether this request stored it.
    pub state: ReportState,
}

/// Whether an event was stored by this request or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportState {
    /// Stored by this request.
    Stored,
    /// Stored before, with the same content.
    Known,
}

/// The conversations of bookings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConversationsOfBookings {
    /// Conversations of the bookings that have one, ordered by booking id.
    pub conversations: Vec<ConversationOfBooking>,
}

/// The conversation of a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationOfBooking {
    /// Conversation id; its page in the front end is `/messagerie/<id>`.
    pub id: String,
    /// Booking id.
    pub appointment_id: String,
    /// `ACTIVE` or `ARCHIVED`.
    #[schema(example = "ACTIVE")]
    pub status: String,
    /// When the newest message was posted.
    #[schema(format = DateTime)]
    pub last_message_at: String,
}

impl From<&domain::appointments::store::ConversationOfBooking> for ConversationOfBooking {
    fn from(found: &domain::appointments::store::ConversationOfBooking) -> Self {
        Self {
            id: found.conversation.to_string(),
            appointment_id: found.appointment.to_string(),
            status: found.status.as_str().to_owned(),
            last_message_at: found.last_message_at.to_string(),
        }
    }
}

/// Status of an erasure: times and counts, no personal data but the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// User id of the erased person.
    pub id: String,
    /// When the erasure was first requested; the name is hidden from then on.
    #[schema(format = DateTime)]
    pub requested_at: String,
    /// When the erasure was completed; absent while in progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub finished_at: Option<String>,
    /// Number of conversations the person took part in, without deleted ones; 0 until it is completed.
    #[schema(minimum = 0)]
    pub conversations: u64,
    /// Number of their messages whose text was erased.
    #[schema(minimum = 0)]
    pub messages: u64,
    /// Number of their files scheduled for deletion.
    #[schema(minimum = 0)]
    pub files: u64,
}

impl From<&erasure::Erasure> for Erasure {
    fn from(erasure: &erasure::Erasure) -> Self {
        Self {
            id: erasure.person.to_string(),
            requested_at: erasure.requested_at.to_string(),
            finished_at: erasure.finished_at.map(|at| at.to_string()),
            conversations: erasure.conversations,
            messages: erasure.messages,
            files: erasure.files,
        }
    }
}

/// Retention policy of conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicy {
    /// Days without a message after which a conversation is archived.
    #[schema(minimum = 1, maximum = 36_500)]
    pub archive_after_days: u32,
    /// Further days after which the messages of an archived conversation are deleted; absent = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 30, maximum = 36_500, nullable = false)]
    pub delete_after_days: Option<u32>,
}

/// Retention settings of one salon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SalonRetention {
    /// Days without a message after which its conversations are archived; absent = the default policy
    /// applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 36_500, nullable = false)]
    pub archive_after_days: Option<u32>,
    /// Further days after which their messages are deleted; absent with `archiveAfterDays` = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 30, maximum = 36_500, nullable = false)]
    pub delete_after_days: Option<u32>,
    /// Legal hold: none of its conversations is archived or deleted for its age.
    pub legal_hold: bool,
}

impl From<retention::RetentionPolicy> for RetentionPolicy {
    fn from(policy: retention::RetentionPolicy) -> Self {
        Self {
            archive_after_days: policy.archive_after_days(),
            delete_after_days: policy.delete_after_days(),
        }
    }
}

impl From<retention::SalonRetention> for SalonRetention {
    fn from(salon: retention::SalonRetention) -> Self {
        Self {
            archive_after_days: salon.policy.map(retention::RetentionPolicy::archive_after_days),
            delete_after_days: salon.policy.and_then(retention::RetentionPolicy::delete_after_days),
            legal_hold: salon.is_held,
        }
    }
}
