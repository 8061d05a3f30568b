//! Conversations.

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, sql_types::Text,
};
use diesel_async::RunQueryDsl;
use domain::{
    conversation::{
        ConversationView, Parties, Status, UnreadConversation, store::ConversationStore,
    },
    ids::{ConversationId, UserId},
    page::{ConversationCursor, Page, Window},
    ports::StoreError,
};

use crate::{
    error::Failure,
    lists,
    lock::parties_from,
    query::prepared,
    row::Row,
    schema::conversation,
    store::{PgStore, with_retry},
};

#[async_trait]
impl ConversationStore for PgStore {
    #[tracing::instrument(name = "db.conversation.parties", skip_all, fields(conversation.id = %id))]
    async fn parties(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<Parties>, StoreError> {
        // What is remembered spares participants the question, and strangers nothing.
        let remembered = self.remembered_parties(id);
        if let Some(parties) = remembered.filter(|parties| parties.side_of(viewer).is_some()) {
            return Ok(Some(parties));
        }
        let found = with_retry(|| parties(self, id, viewer)).await?;
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
        with_retry(|| view(self, id, viewer)).await
    }

    #[tracing::instrument(name = "db.conversation.list", skip_all)]
    async fn conversations(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Result<Page<ConversationView, ConversationCursor>, StoreError> {
        with_retry(|| lists::page(self, viewer, status, window)).await
    }

    #[tracing::instrument(name = "db.conversation.unread", skip_all)]
    async fn unread_conversations(
        &self,
        viewer: &UserId,
        limit: u32,
    ) -> Result<Vec<UnreadConversation>, StoreError> {
        with_retry(|| lists::list(self, viewer, limit)).await
    }
}

// One conversation.

const VIEW: &str = concat!(
    include_str!("conversation/pick.sql"),
    include_str!("conversation/columns.sql"),
    ",",
    include_str!("conversation/own.sql"),
    include_str!("conversation/joins.sql"),
    "JOIN messaging.participant AS own ON own.id = $1",
);

async fn parties(
    store: &PgStore,
    id: &ConversationId,
    viewer: &UserId,
) -> Result<Option<Parties>, Failure> {
    let mut connection = store.connection().await?;
    let is_salon = conversation::salon_id.eq(viewer.as_str());
    let found: Option<(String, String)> = conversation::table
        .find(id.as_str())
        .filter(conversation::deleted_at.is_null())
        .filter(is_salon.or(conversation::client_id.eq(viewer.as_str())))
        .select((conversation::salon_id, conversation::client_id))
        .first(&mut *connection)
        .await
        .optional()?;
    found.map(|(salon, client)| parties_from(&salon, &client)).transpose()
}

async fn view(
    store: &PgStore,
    id: &ConversationId,
    viewer: &UserId,
) -> Result<Option<ConversationView>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(VIEW)
        .bind::<Text, _>(viewer.as_str())
        .bind::<Text, _>(id.as_str())
        .get_result(&mut *connection)
        .await;
    Ok(found.optional()?.map(|Row(view)| view))
}
