use domain::{privacy::erasure, retention};
use serde::Serialize;
use utoipa::ToSchema;

/// The answer to a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// Which event.
    pub event_id: String,
    /// Since when it is on disk.
    pub state: ReportState,
}

/// Since when an event is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportState {
    /// Since this report.
    Stored,
    /// Since one before, in the same words.
    Known,
}

/// The conversations of bookings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConversationsOfBookings {
    /// Of those bookings that have one, in the order of the bookings' ids.
    pub conversations: Vec<ConversationOfBooking>,
}

/// The conversation of a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationOfBooking {
    /// The conversation's id; its page is `/messagerie/<id>`.
    pub id: String,
    /// Which booking.
    pub appointment_id: String,
    /// `ACTIVE` or `ARCHIVED`.
    #[schema(example = "ACTIVE")]
    pub status: String,
    /// When something was last said there.
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

/// The receipt of an erasure: numbers and times, and nothing of the person but the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// Who is forgotten.
    pub id: String,
    /// When that was asked for first. From then on nobody sees their name.
    #[schema(format = DateTime)]
    pub requested_at: String,
    /// When nothing was left; not there while the work goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
    pub finished_at: Option<String>,
    /// Conversations that they took part in.
    #[schema(minimum = 0)]
    pub conversations: u64,
    /// Messages of theirs that were emptied.
    #[schema(minimum = 0)]
    pub messages: u64,
    /// Files of theirs that were handed over for deletion.
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

/// How long conversations are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicy {
    /// After how many days without a message a conversation is archived.
    #[schema(minimum = 1, maximum = 36_500)]
    pub archive_after_days: u32,
    /// After how many days more its messages are deleted. Left out: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 30, maximum = 36_500, nullable = false)]
    pub delete_after_days: Option<u32>,
}

/// What a salon has of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SalonRetention {
    /// After how many days without a message its conversations are archived. Left out: everybody's
    /// policy holds for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 36_500, nullable = false)]
    pub archive_after_days: Option<u32>,
    /// After how many days more their messages are deleted. Left out beside `archiveAfterDays`: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 30, maximum = 36_500, nullable = false)]
    pub delete_after_days: Option<u32>,
    /// Whether all its conversations stay as they are, whatever their age.
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
    fn from(own: retention::SalonRetention) -> Self {
        Self {
            archive_after_days: own.policy.map(retention::RetentionPolicy::archive_after_days),
            delete_after_days: own.policy.and_then(retention::RetentionPolicy::delete_after_days),
            legal_hold: own.is_held,
        }
    }
}
