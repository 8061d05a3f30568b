use async_trait::async_trait;

use super::StoreError;
use crate::{
    id::{ConversationId, UserId},
    preference::{PreferenceChange, Preferences},
    time::Timestamp,
};

/// What came of muting a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muting {
    /// It is muted, now or since before.
    Muted,
    /// There is no such conversation, or the person takes no part in it. Nothing was changed.
    UnknownConversation,
    /// The person has muted [`MUTED_MAX`](crate::preference::MUTED_MAX) others. Nothing was changed.
    TooMany,
}

/// What people want to hear of by mail. A conversation that was taken away is not muted any more.
#[async_trait]
pub trait PreferenceStore: Send + Sync {
    /// What `user` wants; [the usual](Preferences::usual) when they never said anything, noted from
    /// now on. `None` when the directory does not know them.
    async fn preferences(
        &self,
        user: &UserId,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError>;

    /// Changes what `user` wants; `None` when the directory does not know them. Two changes of
    /// different things at the same moment are both made.
    async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError>;

    /// Mutes a conversation for `user`. Two calls at the same moment lose nothing.
    async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<Muting, StoreError>;

    /// Takes the muting back; that there is none is fine.
    async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}
