use domain::erasure;
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
