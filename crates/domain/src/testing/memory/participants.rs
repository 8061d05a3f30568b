use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    id::UserId,
    participant::Participant,
    ports::{ParticipantStore, StoreError},
    time::Timestamp,
};

#[async_trait]
impl ParticipantStore for MemoryStore {
    async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError> {
        Ok(self.state()?.people.get(id).cloned())
    }

    async fn note_participant(&self, person: &Participant, _: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state()?;
        let known = state.people.entry(person.id.clone()).or_insert_with(|| person.clone());
        known.role = person.role;
        known.profile = known.profile.updated_with(&person.profile);
        Ok(())
    }
}
