use super::Messaging;
use crate::{
    id::{ConversationId, UserId},
    ports::{Muting, StoreError},
    preference::{Frequency, PreferenceChange, Preferences},
};

/// Why there are no preferences.
#[derive(Debug, thiserror::Error)]
pub enum PreferencesError {
    /// The directory does not know the person.
    #[error("no such person")]
    UnknownPerson,
    /// The store failed.
    #[error("the preferences could not be read or changed")]
    Store(#[from] StoreError),
}

/// Why a conversation was not muted.
#[derive(Debug, thiserror::Error)]
pub enum MuteError {
    /// It is not there, or the caller may not know that it is.
    #[error("no such conversation")]
    UnknownConversation,
    /// The person muted [`MUTED_MAX`](crate::preference::MUTED_MAX) others.
    #[error("too many conversations are muted")]
    TooMany,
    /// The store failed.
    #[error("the conversation could not be muted")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// What a person wants to hear of by mail.
    ///
    /// # Errors
    /// See [`PreferencesError`].
    pub async fn preferences(&self, user: &UserId) -> Result<Preferences, PreferencesError> {
        let found = self.store.preferences(user, self.clock.now()).await?;
        found.ok_or(PreferencesError::UnknownPerson)
    }

    /// Changes what a person wants to hear of by mail.
    ///
    /// # Errors
    /// See [`PreferencesError`]; nothing is changed then.
    pub async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
    ) -> Result<Preferences, PreferencesError> {
        let changed = self.store.change_preferences(user, change, self.clock.now()).await?;
        changed.ok_or(PreferencesError::UnknownPerson)
    }

    /// No more mail to a person, by the link in one. Whose link it is, is checked before. Repeated, or
    /// for somebody nobody knows any more, it is done as well.
    ///
    /// # Errors
    /// The store's.
    pub async fn unsubscribe(&self, user: &UserId) -> Result<(), StoreError> {
        let never = PreferenceChange { frequency: Some(Frequency::Never), ..Default::default() };
        self.store.change_preferences(user, &never, self.clock.now()).await?;
        Ok(())
    }

    /// No more mail to an address, because mail to it came back or its owner complained. Returns how
    /// many people have it.
    ///
    /// # Errors
    /// The store's.
    pub async fn suppress_address(&self, address: &str) -> Result<u64, StoreError> {
        self.store.suppress_address(address, self.clock.now()).await
    }

    /// No more mail to a person about this conversation.
    ///
    /// # Errors
    /// See [`MuteError`]; nothing is changed then.
    pub async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<(), MuteError> {
        match self.store.mute(user, conversation, self.clock.now()).await? {
            Muting::Muted => Ok(()),
            Muting::UnknownConversation => Err(MuteError::UnknownConversation),
            Muting::TooMany => Err(MuteError::TooMany),
        }
    }

    /// Takes a muting back, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<(), StoreError> {
        self.store.unmute(user, conversation, self.clock.now()).await
    }
}

#[cfg(test)]
mod tests;
