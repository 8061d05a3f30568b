//! Conversations.

mod delete;
mod edit;
mod find;
mod list;
pub(crate) mod lock;
pub(crate) mod open;
mod unread;

use async_trait::async_trait;
use domain::{
    conversation::{
        ConversationView, Parties, Status, UnreadConversation,
        event::Event,
        store::{ConversationStore, EditConversation, OpenConversation, OpenOutcome},
    },
    ids::{ConversationId, UserId},
    page::{ConversationCursor, Page, Window},
    ports::StoreError,
    time::Timestamp,
};

use crate::store::{PgStore, to_its_end, with_retry};

#[async_trait]
impl ConversationStore for PgStore {
    #[tracing::instrument(name = "db.conversation.open", skip_all, fields(conversation.id = %open.id))]
    async fn open_conversation(&self, open: &OpenConversation) -> Result<OpenOutcome, StoreError> {
        let outcome = with_retry(|| open::open(self, open)).await?;
        if matches!(outcome, OpenOutcome::Opened(_)) {
            self.remember_parties(&open.id, &open.parties);
        }
        Ok(outcome)
    }

    #[tracing::instrument(name = "db.conversation.parties", skip_all, fields(conversation.id = %id))]
    async fn parties(&self, id: &ConversationId) -> Result<Option<Parties>, StoreError> {
        if let Some(parties) = self.remembered_parties(id) {
            return Ok(Some(parties));
        }
        let found = with_retry(|| find::parties(self, id)).await?;
        if let Some(parties) = &found {
            self.remember_parties(id, parties);
        }
        Ok(found)
    }

    #[tracing::instrument(name = "db.conversation.find", skip_all, fields(conversation.id = %id))]
    async fn conversation(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<ConversationView>, StoreError> {
        with_retry(|| find::view(self, id, viewer)).await
    }

    #[tracing::instrument(name = "db.conversation.list", skip_all)]
    async fn conversations(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Result<Page<ConversationView, ConversationCursor>, StoreError> {
        with_retry(|| list::page(self, viewer, status, window)).await
    }

    #[tracing::instrument(name = "db.conversation.unread", skip_all)]
    async fn unread_conversations(
        &self,
        viewer: &UserId,
        limit: u32,
    ) -> Result<Vec<UnreadConversation>, StoreError> {
        with_retry(|| unread::list(self, viewer, limit)).await
    }

    #[tracing::instrument(name = "db.conversation.edit", skip_all, fields(conversation.id = %edit.conversation))]
    async fn edit_conversation(
        &self,
        edit: &EditConversation,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        let (store, edit) = (self.clone(), edit.clone());
        to_its_end(move || edit::edit(store.clone(), edit.clone())).await
    }

    #[tracing::instrument(name = "db.conversation.delete", skip_all, fields(conversation.id = %id))]
    async fn delete_conversation(
        &self,
        id: &ConversationId,
        by: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError> {
        let (store, gone, by) = (self.clone(), id.clone(), by.clone());
        let deleted =
            to_its_end(move || delete::delete(store.clone(), gone.clone(), by.clone(), at)).await?;
        self.forget_parties(id);
        Ok(deleted)
    }
}
