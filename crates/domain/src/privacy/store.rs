//! The store ports of erasure, export and audit.

use async_trait::async_trait;

use super::{
    audit::AuditEntry,
    erasure::Erasure,
    export::{Export, ReadyExport},
    session_end::SessionEnd,
};
use crate::{
    conversation::attachment::ObjectKey,
    ids::{ConversationId, UserId},
    jobs::JobFailure,
    ports::StoreError,
    time::Timestamp,
};

/// Erasure of people.
///
/// The directory entry of a forgotten person keeps id and role and is never filled again. From the
/// request on they cannot post: their conversations are unknown to them. Their messages are deleted
/// like by themselves, their files are deleted by jobs, notices with their name are rewritten in
/// French without it, subjects of their conversations are removed, and the conversations archived.
/// What the other side wrote stays.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// Removes the person's identity at once, including first names in reports about their
    /// bookings, and enqueues the job [`ErasePerson`](crate::jobs::Task::ErasePerson) for the rest.
    /// Repeated, it changes nothing and returns the same receipt. Unknown people are recorded too,
    /// so that they cannot appear later.
    async fn request_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError>;

    /// The same, requested by an operator after a restore, for people who were forgotten since the
    /// backup. The audit log names the operator for the completion too, also of an erasure that was
    /// started and not finished.
    async fn replay_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError>;

    /// People who are forgotten or to be, by id, those after `after`, at most `limit` (1 to
    /// 10,000).
    async fn erased_people(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError>;

    /// The receipt; `None` when no erasure of this person was requested.
    async fn erasure(&self, person: &UserId) -> Result<Option<Erasure>, StoreError>;

    /// A conversation that still has something of a person who is to be forgotten: a message of
    /// theirs, a notice with their name, a subject, or active status. `None` when there is none.
    /// [`Command::Erase`](crate::conversation::ledger::Command::Erase) deletes it.
    async fn next_to_erase(&self, person: &UserId) -> Result<Option<ConversationId>, StoreError>;

    /// Deletes the person's unsent uploads, and completes the receipt if nothing is left of them. Waits
    /// for changes that were under way at the request and may not know of it: once a receipt is
    /// complete, nothing is left, and nothing more can come. Returns the receipt; `None` when no erasure
    /// was requested.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when such a change takes too long.
    async fn finish_erasure(
        &self,
        person: &UserId,
        at: Timestamp,
    ) -> Result<Option<Erasure>, StoreError>;
}

/// A place in the order in which ends of sessions become visible. Only the store can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEndMark(pub String);

/// Ends of sessions that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadSessionEnds {
    /// All that was visible before this mark is read, or was read before.
    pub mark: SessionEndMark,
    /// The ends.
    pub ends: Vec<SessionEnd>,
}

/// Ends of sessions. An erasure ends those of its person in the transaction of its request.
///
/// Every node reads all of them at its start, in pages: the mark of the first page is where to go on. It
/// then asks again and again for what is new.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait SessionEndStore: Send + Sync {
    /// Ends the tokens of a person that were issued before `before`, known or not. What has ended stays
    /// so: an earlier `before` changes nothing. The audit log names the service, at `at`.
    async fn revoke_sessions(
        &self,
        person: &UserId,
        before: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// The ends of people after `after`, by id, at most `limit` (1 to 10,000).
    async fn session_ends(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<ReadSessionEnds, StoreError>;

    /// What became visible after `mark`, at most `limit` (1 to 10,000), in no order. No end is skipped,
    /// however long its transaction took to commit. As many as `limit`: there may be more, so all have to
    /// be read.
    async fn session_ends_since(
        &self,
        mark: &SessionEndMark,
        limit: u32,
    ) -> Result<ReadSessionEnds, StoreError>;

    /// Drops revocations of tokens that were issued before `before` and no later ones, at most `limit` (1
    /// to 10,000). Returns how many. Those of erased people stay.
    async fn drop_revocations(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// Data exports. The content of an archive is read through the other ports, as the person sees it.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ExportStore: Send + Sync {
    /// Records a request for the person's data, with the job
    /// [`ExportPerson`](crate::jobs::Task::ExportPerson); an archive that is not
    /// [expired](Export::is_expired) stays and is returned. `None`, without a change, when the
    /// person is to be forgotten. `key` is for the new archive.
    async fn request_export(
        &self,
        person: &UserId,
        key: &ObjectKey,
        at: Timestamp,
    ) -> Result<Option<Export>, StoreError>;

    /// The person's archive or request.
    async fn export(&self, person: &UserId) -> Result<Option<Export>, StoreError>;

    /// Whether somebody's archive is at `key`: it goes with its person, before its bytes do.
    async fn has_archive(&self, key: &ObjectKey) -> Result<bool, StoreError>;

    /// Records that the archive at `key` is ready, with the job that deletes it when it expires.
    /// `false`, without a change, when this archive is not requested (any more).
    async fn finish_export(
        &self,
        person: &UserId,
        key: &ObjectKey,
        ready: &ReadyExport,
    ) -> Result<bool, StoreError>;
}

/// Builds a person's archive.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Exporter: Send + Sync {
    /// Writes the archive of everything the person may see up to the time of the request, and
    /// returns its size in bytes. Replaces an existing archive.
    ///
    /// # Errors
    /// [`JobFailure`]; nothing is left of the archive then.
    async fn write(&self, export: &Export) -> Result<u64, JobFailure>;
}

/// The audit log. Entries are written by the change they record, in its transaction: erasures and
/// exports from request to completion, policies, and legal holds.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Entries, newest first, at most `limit` (1 to 10,000).
    async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
}
