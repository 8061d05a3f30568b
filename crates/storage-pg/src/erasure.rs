//! Forgetting people.

mod names;
mod receipt;
mod trace;

use async_trait::async_trait;
use domain::{
    conversation::event::Event,
    ids::{ConversationId, UserId},
    ports::StoreError,
    privacy::{
        audit::Actor,
        erasure::Erasure,
        store::{EraseIn, ErasureStore},
    },
    time::Timestamp,
};

use crate::store::{PgStore, to_its_end, with_retry};

#[async_trait]
impl ErasureStore for PgStore {
    #[tracing::instrument(name = "db.erasure.request", skip_all)]
    async fn request_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError> {
        let (store, person) = (self.clone(), person.clone());
        to_its_end(move || receipt::request(store.clone(), person.clone(), Actor::Service, at))
            .await
    }

    #[tracing::instrument(name = "db.erasure.replay", skip_all)]
    async fn replay_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError> {
        let (store, person) = (self.clone(), person.clone());
        to_its_end(move || receipt::request(store.clone(), person.clone(), Actor::Operator, at))
            .await
    }

    #[tracing::instrument(name = "db.erasure.people", skip_all)]
    async fn erased_people(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        with_retry(|| receipt::people(self, after.as_ref(), limit)).await
    }

    #[tracing::instrument(name = "db.erasure.find", skip_all)]
    async fn erasure(&self, person: &UserId) -> Result<Option<Erasure>, StoreError> {
        with_retry(|| receipt::find(self, person)).await
    }

    #[tracing::instrument(name = "db.erasure.next", skip_all)]
    async fn next_to_erase(&self, person: &UserId) -> Result<Option<ConversationId>, StoreError> {
        with_retry(|| trace::next(self, person)).await
    }

    #[tracing::instrument(
        name = "db.erasure.erase", skip_all, fields(conversation.id = %erase.conversation)
    )]
    async fn erase_in(&self, erase: &EraseIn) -> Result<Vec<Event>, StoreError> {
        let (store, erase) = (self.clone(), erase.clone());
        to_its_end(move || trace::erase(store.clone(), erase.clone())).await
    }

    #[tracing::instrument(name = "db.erasure.finish", skip_all)]
    async fn finish_erasure(
        &self,
        person: &UserId,
        at: Timestamp,
    ) -> Result<Option<Erasure>, StoreError> {
        let (store, person) = (self.clone(), person.clone());
        to_its_end(move || receipt::finish(store.clone(), person.clone(), at)).await
    }
}
