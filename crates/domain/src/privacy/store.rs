//! What erasure, export and audit ask of a store.

use async_trait::async_trait;

use super::{
    audit::AuditEntry,
    erasure::Erasure,
    export::{Export, ReadyExport},
};
use crate::{
    conversation::{attachment::ObjectKey, event::Event},
    ids::{ConversationId, UserId},
    jobs::JobFailure,
    ports::StoreError,
    time::Timestamp,
};

/// A person to be forgotten in one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EraseIn {
    /// Who.
    pub person: UserId,
    /// Where.
    pub conversation: ConversationId,
    /// The most messages that are emptied in one go (1 to 1,000).
    pub messages_max: u32,
    /// The time of the change.
    pub at: Timestamp,
}

/// Forgetting people.
///
/// A forgotten person's entry keeps its id and role, and nothing brings more into it again. From the
/// wish on they say nothing more: for what they post there is no conversation. Their
/// messages are emptied as if they had deleted each, their files are deleted by jobs, notices that
/// name them are written again in French without a name, subjects of their conversations are taken
/// away, and the conversations archived. What the other side wrote stays.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// Forgets who the person is, at once, with the first names in reports about their bookings, and
    /// enters the job [`ErasePerson`](crate::jobs::Task::ErasePerson) for the rest. Repeated, it
    /// changes nothing and returns the same receipt. People nobody knows are noted as well, so that
    /// they cannot come back.
    async fn request_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError>;

    /// The same, asked for by an operator: after a restore, for people who were forgotten since the
    /// backup. On record they stand for the end of it too, and of one that was begun and not finished.
    async fn replay_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError>;

    /// People who are forgotten or to be, by id, those behind `after`, at most `limit` (1 to 10,000).
    async fn erased_people(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError>;

    /// The receipt; `None` when nobody asked to forget this person.
    async fn erasure(&self, person: &UserId) -> Result<Option<Erasure>, StoreError>;

    /// A conversation in which something is left of a person who is to be forgotten: a message of
    /// theirs, a notice with their name, a subject, or that it is active. `None` when there is none.
    async fn next_to_erase(&self, person: &UserId) -> Result<Option<ConversationId>, StoreError>;

    /// Forgets what the person left in a conversation, at most as many messages as asked for, and
    /// counts it in the receipt: the conversation when nothing is left there any more by this. Nothing
    /// happens when they were not asked to be forgotten.
    ///
    /// Log: `MessageDeleted` for each message, oldest first; `ConversationUpdated` when subject or
    /// status changed.
    async fn erase_in(&self, erase: &EraseIn) -> Result<Vec<Event>, StoreError>;

    /// Takes away what the person uploaded and did not send, and finishes the receipt if nothing is
    /// left of them. Returns it; `None` when nobody asked to forget this person.
    async fn finish_erasure(
        &self,
        person: &UserId,
        at: Timestamp,
    ) -> Result<Option<Erasure>, StoreError>;
}

/// What people asked for of their data, and whether it can be fetched. What is in an archive is read by
/// the other ports, as the person sees it.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ExportStore: Send + Sync {
    /// Notes that the person asks for their data, with the job
    /// [`ExportPerson`](crate::jobs::Task::ExportPerson); an archive of theirs that is not
    /// [over](Export::is_over) stays, and is returned. `None`, and nothing is noted, when the person
    /// is to be forgotten. `key` is where the archive would be.
    async fn request_export(
        &self,
        person: &UserId,
        key: &ObjectKey,
        at: Timestamp,
    ) -> Result<Option<Export>, StoreError>;

    /// The person's archive or wish for one.
    async fn export(&self, person: &UserId) -> Result<Option<Export>, StoreError>;

    /// Notes that the archive at `key` can be fetched, with the job that deletes it when its time is
    /// over. `false`, and nothing is changed, when the person does not wait for that one (any more).
    async fn finish_export(
        &self,
        person: &UserId,
        key: &ObjectKey,
        ready: &ReadyExport,
    ) -> Result<bool, StoreError>;
}

/// Puts a person's data together.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Exporter: Send + Sync {
    /// Writes the archive of everything the person has a right to see until the moment they asked for
    /// it, and returns its size in bytes. An archive that was there is replaced.
    ///
    /// # Errors
    /// [`JobFailure`]; nothing is left of the archive then.
    async fn write(&self, export: &Export) -> Result<u64, JobFailure>;
}

/// What was done about people's data. Entries are made by the change that they tell of, in its
/// transaction: erasures and exports from the wish to the end, policies, and legal holds.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Entries, newest first, at most `limit` (1 to 10,000).
    async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
}
