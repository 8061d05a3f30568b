//! The directory of people, as a store keeps it.

use async_trait::async_trait;

use super::Participant;
use crate::{ids::UserId, ports::StoreError, time::Timestamp};

/// A person, and with whom they talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantWithPartners {
    /// Who it is about.
    pub person: Participant,
    /// Everyone they share a conversation with, each once.
    pub partners: Vec<UserId>,
}

/// The directory of people (D3).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ParticipantStore: Send + Sync {
    /// The person `id`, or `None` when the directory does not know them.
    async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError>;

    /// Enters a person, or brings their entry up to date: role as given, details that are given
    /// replace the old ones, details that are not given stay. Nothing happens to who was asked to be
    /// forgotten.
    async fn note_participant(&self, person: &Participant, at: Timestamp)
    -> Result<(), StoreError>;

    /// Enters people or replaces their entries wholly, all of them or none (D3). Returns those who
    /// were asked to be forgotten: when there are any, nothing was changed.
    async fn put_participants(
        &self,
        people: &[Participant],
        at: Timestamp,
    ) -> Result<Vec<UserId>, StoreError>;

    /// The person `id` and those they share a conversation with that was not taken away, whoever
    /// said something last coming first, at most `partners_max` people (1 to 10,000). Of each side
    /// and status the newest `partners_max` conversations are looked at. `None` when the directory
    /// does not know the person.
    async fn acquaintances(
        &self,
        id: &UserId,
        partners_max: u32,
    ) -> Result<Option<ParticipantWithPartners>, StoreError>;
}
