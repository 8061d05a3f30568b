//! The store port of imports.

use std::sync::Arc;

use async_trait::async_trait;

use super::{ImportedConversation, ImportedMail, ImportedPreference, Refusal};
use crate::{participant::Participant, ports::StoreError, time::Timestamp};

/// A digest of a source row as it was imported: shows whether the row has changed since, without
/// storing it twice.
pub type Fingerprint = [u8; 32];

/// A row to import.
#[derive(Clone, Debug)]
pub struct ImportRow<T> {
    /// The row.
    pub value: T,
    /// Its digest.
    pub fingerprint: Fingerprint,
}

/// The outcome of importing a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It was imported.
    New,
    /// It was here and was updated.
    Updated,
    /// It has not changed since it was imported.
    Unchanged,
    /// It was left out. Nothing was changed.
    Refused(Refusal),
}

/// The checkpoint of an import: everything up to it is imported and counted; one page after it may
/// be imported too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportMark {
    /// A digest of the source when the import began.
    pub source: Fingerprint,
    /// What is being imported, in the importer's own word.
    pub stage: String,
    /// The key of the last row that was imported and counted, in the importer's own words.
    pub after: String,
    /// The counts so far, in the importer's own words.
    pub tally: String,
}

/// One step of an import.
#[derive(Clone, Debug)]
pub struct ImportStep {
    /// The checkpoint before this step. `None` is a dry run: nothing is written, and the outcomes
    /// are returned.
    pub mark: Option<ImportMark>,
    /// The time of the change.
    pub at: Timestamp,
}

/// Imports. Each page is written in one transaction with its checkpoint; refused rows are left out.
/// Outcomes are in the order of the page.
///
/// Earlier imported rows are recognised by their fingerprint, whatever happened to them here: a row
/// that did not change in the source is left alone. No log is written: a client that resumes from
/// before gets [`LogPiece::Trimmed`](crate::conversation::store::LogPiece::Trimmed).
#[async_trait]
pub trait ImportStore: Send + Sync {
    /// The checkpoint of an interrupted import; `None` when there is none.
    async fn import_mark(&self) -> Result<Option<ImportMark>, StoreError>;

    /// Imports people. An entry that only an import wrote is replaced when the source has changed.
    /// An entry that was written here, before or since, only gains missing details: an import never
    /// overwrites what the platform reported. A row without details changes no existing entry.
    /// Forgotten people are refused.
    async fn import_people(
        &self,
        people: Arc<[ImportRow<Participant>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Imports conversations with all their messages; their people are in the directory. One that
    /// was imported before and changed in the source is replaced if it was not changed here; it
    /// gets a new position then, so that clients load it again.
    async fn import_conversations(
        &self,
        conversations: Arc<[ImportRow<ImportedConversation>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Imports mail preferences. Preferences set here, before or since, are left alone. Muted
    /// conversations that do not exist here are left out.
    async fn import_preferences(
        &self,
        preferences: Arc<[ImportRow<ImportedPreference>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Imports pending mail. Mail about a conversation that does not exist here is refused.
    async fn import_mail(
        &self,
        mail: Arc<[ImportRow<ImportedMail>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Deletes the checkpoint: the import is complete.
    async fn finish_import(&self) -> Result<(), StoreError>;
}
