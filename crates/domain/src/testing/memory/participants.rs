use async_trait::async_trait;

use super::{MemoryStore, messages::StoredConversation};
use crate::{
    ids::UserId,
    participant::{
        Participant,
        store::{ParticipantStore, ParticipantWithPartners},
    },
    ports::StoreError,
    time::Timestamp,
};

#[async_trait]
impl ParticipantStore for MemoryStore {
    async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError> {
        Ok(self.state()?.people.get(id).cloned())
    }

    async fn upsert_participant(
        &self,
        person: &Participant,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if state.erasures.contains_key(&person.id) {
            return Ok(());
        }
        let known = state.people.entry(person.id.clone()).or_insert_with(|| person.clone());
        known.role = person.role;
        known.profile = known.profile.updated_with(&person.profile);
        Ok(())
    }

    async fn put_participants(
        &self,
        people: &[Participant],
        _: Timestamp,
    ) -> Result<Vec<UserId>, StoreError> {
        let mut state = self.state()?;
        let ids = people.iter().map(|person| &person.id);
        let trimmed_to = ids.filter(|id| state.erasures.contains_key(*id));
        let trimmed_to: Vec<_> = trimmed_to.cloned().collect();
        if trimmed_to.is_empty() {
            state.people.extend(people.iter().map(|one| (one.id.clone(), one.clone())));
        }
        Ok(trimmed_to)
    }

    async fn participant_with_partners(
        &self,
        id: &UserId,
        partners_max: u32,
    ) -> Result<Option<ParticipantWithPartners>, StoreError> {
        let state = self.state()?;
        let Some(person) = state.people.get(id).cloned() else { return Ok(None) };
        let mut conversations: Vec<_> =
            state.live_of(id).map(StoredConversation::conversation).collect();
        conversations.sort_by_key(|conversation| std::cmp::Reverse(conversation.last_message_at));
        let mut partners = Vec::new();
        for partner in conversations
            .into_iter()
            .filter_map(|conversation| conversation.parties.counterpart_of(id))
        {
            if !partners.contains(partner) {
                partners.push(partner.clone());
            }
        }
        partners.truncate(partners_max.try_into().unwrap_or(usize::MAX));
        Ok(Some(ParticipantWithPartners { person, partners }))
    }
}
