use async_trait::async_trait;

use super::StoreError;
use crate::{id::UserId, participant::Participant, time::Timestamp};

/// The directory of people (D3).
#[async_trait]
pub trait ParticipantStore: Send + Sync {
    /// The person `id`, or `None` when the directory does not know them.
    async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError>;

    /// Enters a person, or brings their entry up to date: role as given, details that are given
    /// replace the old ones, details that are not given stay.
    async fn note_participant(&self, person: &Participant, at: Timestamp)
    -> Result<(), StoreError>;
}
