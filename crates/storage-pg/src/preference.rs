//! What people want to hear of by mail.

mod mute;
mod wishes;

use async_trait::async_trait;
use domain::{
    ids::{ConversationId, UserId},
    mail::{
        preferences::{PreferenceChange, Preferences},
        store::{Muting, PreferenceStore},
    },
    ports::StoreError,
    time::Timestamp,
};

use crate::store::{PgStore, with_retry};

#[async_trait]
impl PreferenceStore for PgStore {
    #[tracing::instrument(name = "db.preference.find", skip_all)]
    async fn preferences(
        &self,
        user: &UserId,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError> {
        with_retry(|| wishes::find(self, user, at)).await
    }

    #[tracing::instrument(name = "db.preference.change", skip_all)]
    async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError> {
        with_retry(|| wishes::change(self, user, change, at)).await
    }

    #[tracing::instrument(
        name = "db.preference.mute", skip_all, fields(conversation.id = %conversation)
    )]
    async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<Muting, StoreError> {
        with_retry(|| mute::mute(self, user, conversation, at)).await
    }

    #[tracing::instrument(
        name = "db.preference.unmute", skip_all, fields(conversation.id = %conversation)
    )]
    async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| mute::unmute(self, user, conversation, at)).await
    }
}
