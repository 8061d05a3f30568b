//! What retention asks of a store.

use async_trait::async_trait;

use super::{ConversationAge, EmptyingBounds, RetentionPolicy, SalonRetention};
use crate::{
    appointments::store::NewNotice,
    conversation::{Status, event::Event},
    ids::{ConversationId, UserId},
    jobs::Task,
    ports::StoreError,
    time::Timestamp,
};

/// A piece of the walk through all conversations, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgePage {
    /// Those of the piece that may be due.
    pub conversations: Vec<ConversationAge>,
    /// Where the next piece begins: behind this one. `None`: the walk is over.
    pub next: Option<ConversationId>,
}

/// A conversation to archive.
#[derive(Clone, Debug)]
pub struct ArchiveForAge {
    /// Its id.
    pub conversation: ConversationId,
    /// It stays in use when something was said in it after that moment.
    pub quiet_since: Timestamp,
    /// What the platform says of it.
    pub notice: NewNotice,
    /// The time of the change.
    pub at: Timestamp,
}

/// A conversation whose messages are to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeExpired {
    /// Its id.
    pub conversation: ConversationId,
    /// They stay when it is younger than that by now.
    pub bounds: EmptyingBounds,
    /// The most messages that are deleted in one go (1 to 1,000).
    pub messages_max: u32,
    /// The time of the change.
    pub at: Timestamp,
}

/// What came of deleting messages for their age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// What happened, in order; nothing when nothing was due any more.
    pub events: Vec<Event>,
    /// How many files were handed over for deletion.
    pub files: u64,
}

/// How much there is in conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Messages of either side.
    pub messages: u64,
    /// Their files, as far as they can be deleted.
    pub files: u64,
}

/// A piece of the walk through all logs, in the order of their conversations' ids. Those of deleted
/// conversations are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrimBatch {
    /// What happened before that moment is old.
    pub before: Timestamp,
    /// Where the piece begins: behind this conversation, or with the first one.
    pub after: Option<ConversationId>,
    /// How many conversations are looked at (1 to 1,000).
    pub conversations_max: u32,
    /// How many entries are forgotten in one go (1 to 10,000).
    pub entries_max: u32,
}

/// What came of a piece of the walk through all logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrimProgress {
    /// How many entries were forgotten. When they are as many as asked for, the same piece may have
    /// more.
    pub entries: u64,
    /// Where the next piece begins: behind this one. `None`: the walk is over.
    pub next: Option<ConversationId>,
}

/// How long things are kept, and letting them go.
///
/// What is held stays: nothing in it is archived or deleted for its age.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// The policy for everybody, if one was put here.
    async fn retention_policy(&self) -> Result<Option<RetentionPolicy>, StoreError>;

    /// Puts the policy for everybody here, in place of an earlier one.
    async fn put_retention_policy(
        &self,
        policy: RetentionPolicy,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// What a salon has of its own; `None`: nothing.
    async fn salon_retention(&self, salon: &UserId) -> Result<Option<SalonRetention>, StoreError>;

    /// Gives a salon something of its own, in place of what it had.
    async fn put_salon_retention(
        &self,
        salon: &UserId,
        retention: SalonRetention,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes a salon's own retention. `false` when that was nothing.
    async fn drop_salon_retention(&self, salon: &UserId) -> Result<bool, StoreError>;

    /// Holds a conversation. Once this is answered nothing in it is archived or deleted for its age,
    /// not even by work that was under way. `false` when there is no such conversation.
    async fn hold_conversation(
        &self,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Lets go of a conversation that was held. `false` when it was not.
    async fn release_conversation(&self, conversation: &ConversationId)
    -> Result<bool, StoreError>;

    /// Looks at `limit` conversations (1 to 1,000) behind `after`, and returns those with this status
    /// in which nothing was said after `quiet_since`; of archived ones only those with messages.
    async fn ages(
        &self,
        status: Status,
        after: Option<ConversationId>,
        quiet_since: Timestamp,
        limit: u32,
    ) -> Result<AgePage, StoreError>;

    /// Archives a conversation with a platform notice that counts as read and moves no conversation up
    /// a list. Nothing happens when it is not in use, not as quiet as asked
    /// for, or held.
    ///
    /// Log: `ConversationUpdated` and `MessagePosted`, both the salon's.
    async fn archive_for_age(&self, archive: &ArchiveForAge) -> Result<Vec<Event>, StoreError>;

    /// Deletes the oldest messages of either side of an archived conversation, at most as many
    /// as asked for, and enters the jobs that delete their files. Platform notices stay. Nothing
    /// happens when it is in use, younger than asked for, or held.
    ///
    /// Log: `MessageDeleted` for each, oldest first, the salon's.
    async fn empty_aged(&self, empty: &PurgeExpired) -> Result<Purged, StoreError>;

    /// How much [`empty_aged`](Self::empty_aged) would delete in these conversations (at most 1,000)
    /// if it were due.
    async fn measure(&self, conversations: &[ConversationId]) -> Result<Usage, StoreError>;

    /// Forgets the beginning of logs, up to the first entry of each that is not old.
    async fn trim_logs(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError>;

    /// What [`trim_logs`](Self::trim_logs) would forget in a piece, however often it takes;
    /// `entries_max` does not count.
    async fn count_old_entries(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError>;

    /// Enqueues a job that continues the retention work.
    async fn enqueue_continuation(&self, task: &Task, at: Timestamp) -> Result<(), StoreError>;
}
