use super::Messaging;
use crate::{
    id::{ConversationId, UserId},
    ports::StoreError,
    retention::{RetentionPolicy, SalonRetention},
};

impl Messaging {
    /// The policy for everybody: the one that was put in the store, or else the one of the settings.
    ///
    /// # Errors
    /// The store's.
    pub async fn retention_policy(&self) -> Result<RetentionPolicy, StoreError> {
        Ok(self.store.retention_policy().await?.unwrap_or(self.retention.policy))
    }

    /// Puts a policy for everybody in the store, in place of an earlier one.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_retention_policy(&self, policy: RetentionPolicy) -> Result<(), StoreError> {
        self.store.put_retention_policy(policy, self.clock.now()).await
    }

    /// What a salon has of its own; `None`: nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn salon_retention(
        &self,
        salon: &UserId,
    ) -> Result<Option<SalonRetention>, StoreError> {
        self.store.salon_retention(salon).await
    }

    /// Gives a salon something of its own, in place of what it had.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_salon_retention(
        &self,
        salon: &UserId,
        retention: SalonRetention,
    ) -> Result<(), StoreError> {
        self.store.put_salon_retention(salon, retention, self.clock.now()).await
    }

    /// Takes away what a salon has of its own. `false` when that was nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn drop_salon_retention(&self, salon: &UserId) -> Result<bool, StoreError> {
        self.store.drop_salon_retention(salon).await
    }

    /// Holds a conversation: from now on nothing in it is put away or deleted for its age. `false` when
    /// there is no such conversation.
    ///
    /// # Errors
    /// The store's.
    pub async fn hold_conversation(&self, id: &ConversationId) -> Result<bool, StoreError> {
        self.store.hold_conversation(id, self.clock.now()).await
    }

    /// Lets go of a conversation that was held. `false` when it was not.
    ///
    /// # Errors
    /// The store's.
    pub async fn release_conversation(&self, id: &ConversationId) -> Result<bool, StoreError> {
        self.store.release_conversation(id).await
    }
}
