//! The store port of retention.

use async_trait::async_trait;

use super::{ConversationAge, RetentionPolicy, SalonRetention};
use crate::{
    conversation::Status,
    ids::{ConversationId, UserId},
    jobs::Task,
    ports::StoreError,
    time::Timestamp,
};

/// A page of all conversations, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgePage {
    /// Those of the page that may be due.
    pub conversations: Vec<ConversationAge>,
    /// The id after which the next page begins; `None` at the end.
    pub next: Option<ConversationId>,
}

/// The number of messages and files in conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Messages of either side.
    pub messages: u64,
    /// Their files, as far as they can be deleted.
    pub files: u64,
}

/// A batch of the trimming of all logs, by conversation id. Includes logs of deleted conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrimBatch {
    /// Entries before this are old.
    pub before: Timestamp,
    /// The batch begins after this conversation, or with the first.
    pub after: Option<ConversationId>,
    /// The most conversations in the batch (1 to 1,000).
    pub conversations_max: u32,
    /// The most entries deleted (1 to 10,000).
    pub entries_max: u32,
}

/// The result of a trim batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrimProgress {
    /// The number of entries deleted. If it is the maximum, the same batch may have more.
    pub entries: u64,
    /// The id after which the next batch begins; `None` at the end.
    pub next: Option<ConversationId>,
}

/// Retention policies, legal holds, and what is due. Archiving and deletion are
/// [commands](crate::conversation::ledger::Command), which are refused under a legal hold.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// The default policy, if one is stored.
    async fn retention_policy(&self) -> Result<Option<RetentionPolicy>, StoreError>;

    /// Stores the default policy, replacing an earlier one.
    async fn put_retention_policy(
        &self,
        policy: RetentionPolicy,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// A salon's own retention settings; `None`: none.
    async fn salon_retention(&self, salon: &UserId) -> Result<Option<SalonRetention>, StoreError>;

    /// Stores a salon's own retention settings, replacing earlier ones.
    async fn put_salon_retention(
        &self,
        salon: &UserId,
        retention: SalonRetention,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deletes a salon's own retention settings. `false` when there were none.
    async fn drop_salon_retention(&self, salon: &UserId) -> Result<bool, StoreError>;

    /// Puts a conversation under a legal hold. When this returns nothing in it is archived or
    /// deleted, not even by work in progress. `false` when the conversation does not exist.
    async fn hold_conversation(
        &self,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Releases the legal hold of a conversation. `false` when there was none.
    async fn release_conversation(&self, conversation: &ConversationId)
    -> Result<bool, StoreError>;

    /// Looks at `limit` conversations (1 to 1,000) after `after`, and returns those with this
    /// status and no message after `quiet_since`; of archived ones only those with messages.
    async fn ages(
        &self,
        status: Status,
        after: Option<ConversationId>,
        quiet_since: Timestamp,
        limit: u32,
    ) -> Result<AgePage, StoreError>;

    /// What [`Command::Purge`](crate::conversation::ledger::Command::Purge) would delete in these
    /// conversations (at most 1,000) if it were due.
    async fn measure(&self, conversations: &[ConversationId]) -> Result<Usage, StoreError>;

    /// Deletes the beginning of logs, up to the first entry of each that is not old.
    async fn trim_logs(&self, batch: &TrimBatch) -> Result<TrimProgress, StoreError>;

    /// What [`trim_logs`](Self::trim_logs) would delete in a batch in any number of calls;
    /// `entries_max` is ignored.
    async fn count_old_entries(&self, batch: &TrimBatch) -> Result<TrimProgress, StoreError>;

    /// Enqueues a job that continues the retention work.
    async fn enqueue_continuation(&self, task: &Task, at: Timestamp) -> Result<(), StoreError>;
}
