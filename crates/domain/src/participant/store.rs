//! The store port of the directory.

use async_trait::async_trait;

use super::Participant;
use crate::{ids::UserId, ports::StoreError, time::Timestamp};

/// A person and their conversation partners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantWithPartners {
    /// The person.
    pub person: Participant,
    /// Everyone they share a conversation with, each once.
    pub partners: Vec<UserId>,
}

/// The directory of people (D3).
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ParticipantStore: Send + Sync {
    /// The person `id`; `None` when the directory does not know them.
    async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError>;

    /// Inserts or updates a person: role as given, given details replace the old ones, missing
    /// details stay. Does nothing for a person who is to be forgotten.
    async fn upsert_participant(
        &self,
        person: &Participant,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Stores people, replacing their entries completely, all or none (D3). Returns those who are
    /// to be forgotten: if there are any, nothing was changed.
    async fn put_participants(
        &self,
        people: &[Participant],
        at: Timestamp,
    ) -> Result<Vec<UserId>, StoreError>;

    /// The person `id` and those they share an undeleted conversation with, newest message first,
    /// at most `partners_max` people (1 to 10,000). Per side and status the newest `partners_max`
    /// conversations are considered. `None` when the directory does not know the person.
    async fn participant_with_partners(
        &self,
        id: &UserId,
        partners_max: u32,
    ) -> Result<Option<ParticipantWithPartners>, StoreError>;
}
