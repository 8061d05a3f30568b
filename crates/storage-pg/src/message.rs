//! Messages.

mod delete;
mod history;
mod post;
mod read;

use async_trait::async_trait;
use domain::{
    conversation::{
        event::Event,
        message::Message,
        store::{History, MessageStore, PostMessage, PostOutcome},
    },
    ids::{ConversationId, MessageId, UserId},
    page::{MessageCursor, Window},
    ports::StoreError,
    time::Timestamp,
};

pub(crate) use delete::{empty, step_back};
pub(crate) use read::by_ids;

use crate::store::{PgStore, to_its_end, with_retry};

#[async_trait]
impl MessageStore for PgStore {
    #[tracing::instrument(
        name = "db.message.post", skip_all,
        fields(conversation.id = %post.conversation, message.id = %post.id)
    )]
    async fn post_message(&self, post: &PostMessage) -> Result<PostOutcome, StoreError> {
        with_retry(|| post::post(self, post)).await
    }

    #[tracing::instrument(name = "db.message.history", skip_all, fields(conversation.id = %conversation))]
    async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<Option<History>, StoreError> {
        with_retry(|| history::history_page(self, conversation, viewer, window)).await
    }

    #[tracing::instrument(name = "db.message.find", skip_all, fields(message.id = %id))]
    async fn message(
        &self,
        id: &MessageId,
        viewer: &UserId,
    ) -> Result<Option<Message>, StoreError> {
        with_retry(|| read::find(self, id, viewer)).await
    }

    #[tracing::instrument(name = "db.message.delete", skip_all, fields(message.id = %id))]
    async fn delete_message(
        &self,
        id: &MessageId,
        author: &UserId,
        at: Timestamp,
    ) -> Result<Option<Event>, StoreError> {
        let (store, id, author) = (self.clone(), id.clone(), author.clone());
        to_its_end(move || delete::delete(store.clone(), id.clone(), author.clone(), at)).await
    }
}
