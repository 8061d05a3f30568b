use std::collections::HashMap;

use async_trait::async_trait;

use super::{MemoryStore, state::State};
use crate::{
    id::{ConversationId, UserId},
    ports::{Muting, PreferenceStore, StoreError},
    preference::{MUTED_MAX, PreferenceChange, Preferences},
    time::Timestamp,
};

/// What people said that they want, and the usual where it was asked for.
pub(super) type Wishes = HashMap<UserId, Preferences>;

impl State {
    /// What `user` wants; [the usual](Preferences::usual) when they never said anything.
    pub(super) fn wishes_of(&self, user: &UserId, at: Timestamp) -> Preferences {
        let noted = self.wishes.get(user).cloned();
        let mut wishes = noted.unwrap_or_else(|| Preferences::usual(user.clone(), at));
        wishes.muted.retain(|muted| self.find(muted, user).is_some());
        wishes
    }

    /// Notes what somebody the directory knows wants, as `change` makes it.
    fn change_wishes(
        &mut self,
        user: &UserId,
        at: Timestamp,
        change: impl FnOnce(Preferences) -> Preferences,
    ) -> Option<Preferences> {
        self.people.get(user)?;
        let changed = change(self.wishes_of(user, at));
        self.wishes.insert(user.clone(), changed.clone());
        Some(changed)
    }
}

#[async_trait]
impl PreferenceStore for MemoryStore {
    async fn preferences(
        &self,
        user: &UserId,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError> {
        Ok(self.state()?.change_wishes(user, at, |wishes| wishes))
    }

    async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError> {
        Ok(self.state()?.change_wishes(user, at, |wishes| wishes.changed(change, at)))
    }

    async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<Muting, StoreError> {
        let mut state = self.state()?;
        if state.find(conversation, user).is_none() {
            return Ok(Muting::UnknownConversation);
        }
        let wishes = state.wishes_of(user, at);
        if wishes.has_muted(conversation) {
            return Ok(Muting::Muted);
        }
        if wishes.muted.len() >= MUTED_MAX {
            return Ok(Muting::TooMany);
        }
        state.change_wishes(user, at, |mut wishes| {
            wishes.muted.push(conversation.clone());
            Preferences { updated_at: at, ..wishes }
        });
        Ok(Muting::Muted)
    }

    async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if state.wishes_of(user, at).has_muted(conversation) {
            state.change_wishes(user, at, |mut wishes| {
                wishes.muted.retain(|muted| muted != conversation);
                Preferences { updated_at: at, ..wishes }
            });
        }
        Ok(())
    }
}
