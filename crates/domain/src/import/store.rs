//! What an import asks of a store.

use std::sync::Arc;

use async_trait::async_trait;

use super::{ImportedConversation, ImportedMail, ImportedPreference, Refusal};
use crate::{participant::Participant, ports::StoreError, time::Timestamp};

/// A digest of something as it was taken over: whether it changed since is told without keeping it
/// twice.
pub type Fingerprint = [u8; 32];

/// Something to take over.
#[derive(Clone, Debug)]
pub struct ImportRow<T> {
    /// What.
    pub value: T,
    /// Its digest.
    pub fingerprint: Fingerprint,
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It is here now.
    New,
    /// It was here and is up to date now.
    Updated,
    /// It was taken over before, as it is.
    Unchanged,
    /// It was left out. Nothing of it was changed.
    Refused(Refusal),
}

/// How far an import got: everything before it is done and counted, and one page behind it may be
/// done as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportMark {
    /// What the source held when the import began.
    pub source: Fingerprint,
    /// What is being taken over, in the importer's own word.
    pub stage: String,
    /// The last of these that was done and counted, in the importer's own words.
    pub after: String,
    /// What was counted until then, likewise.
    pub tally: String,
}

/// One step of an import.
#[derive(Clone, Debug)]
pub struct ImportStep {
    /// How far the import had got before this step. `None` is a dry run: nothing is written, and what
    /// would become of everything is returned.
    pub mark: Option<ImportMark>,
    /// The time of the change.
    pub at: Timestamp,
}

/// Moving in. Each page is written together with its mark, or not at all; what was refused is left
/// out of it. The answers are in the order of the page.
///
/// What was taken over before is known by its fingerprint, whatever became of it here since: what
/// did not change there is left alone. No log is written: whoever resumes from before is told that
/// the log no longer reaches back ([`LogPiece::Trimmed`](crate::conversation::store::LogPiece::Trimmed)).
#[async_trait]
pub trait ImportStore: Send + Sync {
    /// Where an import that was interrupted stood; `None` when none was.
    async fn import_mark(&self) -> Result<Option<ImportMark>, StoreError>;

    /// Enters people. Who is here as an import left them, and changed there, is replaced. Of whom
    /// anybody told here, before or since, only gains what is missing: an import never lowers what
    /// the platform told. Somebody of whom nothing is known there takes nothing from who is here.
    /// Who was forgotten is refused.
    async fn import_people(
        &self,
        people: Arc<[ImportRow<Participant>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Enters conversations with all their messages; their people are in the directory. One that was
    /// taken over before, and changed there, is replaced if nothing happened to it here; it takes a
    /// new position then, so that whoever saw it before looks at it anew.
    async fn import_conversations(
        &self,
        conversations: Arc<[ImportRow<ImportedConversation>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Enters what people want to be told of by mail. Who said so here, before or since, is left
    /// alone. Muted conversations that are not here are left out.
    async fn import_preferences(
        &self,
        preferences: Arc<[ImportRow<ImportedPreference>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Enters mail that waits. Mail about a conversation that is not here is refused.
    async fn import_mail(
        &self,
        mail: Arc<[ImportRow<ImportedMail>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Forgets the mark: the import got to its end.
    async fn finish_import(&self) -> Result<(), StoreError>;
}
