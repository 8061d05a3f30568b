use async_trait::async_trait;

use super::StoreError;
use crate::{
    export::{Export, ReadyExport},
    id::UserId,
    job::JobFailure,
    object::ObjectKey,
    time::Timestamp,
};

/// What people asked for of their data, and whether it can be fetched. What is in an archive is read by
/// the other ports, as the person sees it.
#[async_trait]
pub trait ExportStore: Send + Sync {
    /// Notes that the person asks for their data, with the job
    /// [`ExportPerson`](crate::job::Task::ExportPerson); an archive of theirs that is not
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
#[async_trait]
pub trait Exporter: Send + Sync {
    /// Writes the archive of everything the person has a right to see until the moment they asked for
    /// it, and returns its size in bytes. An archive that was there is replaced.
    ///
    /// # Errors
    /// [`JobFailure`]; nothing is left of the archive then.
    async fn write(&self, export: &Export) -> Result<u64, JobFailure>;
}
