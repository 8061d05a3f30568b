//! The state of one import: what it works with, what it counts, and where it resumes.

use std::{collections::HashSet, sync::Arc};

use domain::{
    ids::ConversationId,
    import::{Fingerprint, ImportMark, ImportOutcome, ImportStep, ImportStore},
    ports::Clock,
};

use crate::{
    ImportError, Progress, Report, Settings,
    legacy::{Findings, ImportedKind, Refused},
};

/// The state of one import.
pub(crate) struct Run<'p> {
    settings: Settings,
    store: Arc<dyn ImportStore>,
    clock: Arc<dyn Clock>,
    progress: &'p mut dyn Progress,
    source: Fingerprint,
    report: Report,
    /// Conversations that were not imported, which are few: their mail is refused as well.
    refused_conversations: HashSet<ConversationId>,
}

impl<'p> Run<'p> {
    /// Starts, or resumes an interrupted import of the same source: then the position to resume from is returned.
    pub(crate) async fn begin(
        settings: &Settings,
        store: Arc<dyn ImportStore>,
        clock: Arc<dyn Clock>,
        progress: &'p mut dyn Progress,
        source: Fingerprint,
    ) -> Result<(Self, Option<Position>), ImportError> {
        let mark = if settings.is_dry_run { None } else { store.import_mark().await? };
        let mark = mark.filter(|mark| mark.source == source);
        let report = mark.as_ref().map(|mark| Report::parse(&mark.tally)).unwrap_or_default();
        if mark.is_some() {
            progress.resumed(&report);
        }
        let position = mark.map(|mark| Position { step: mark.stage, after: mark.after });
        let run = Self {
            settings: settings.clone(),
            store,
            clock,
            progress,
            source,
            report,
            refused_conversations: HashSet::new(),
        };
        Ok((run, position))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn store(&self) -> Arc<dyn ImportStore> {
        Arc::clone(&self.store)
    }

    pub(crate) fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    pub(crate) fn is_refused(&self, conversation: &ConversationId) -> bool {
        self.refused_conversations.contains(conversation)
    }

    pub(crate) fn note_refused(&mut self, conversation: ConversationId) {
        self.refused_conversations.insert(conversation);
    }

    /// What the store needs to write the page behind `position`. The mark holds the counts from before that page:
    /// an import that is interrupted after it imports the page again, and counts it once.
    pub(crate) fn page_step(&self, position: &Position) -> ImportStep {
        let mark = ImportMark {
            source: self.source,
            stage: position.step.clone(),
            after: position.after.clone(),
            tally: self.report.to_string(),
        };
        let mark = (!self.settings.is_dry_run).then_some(mark);
        ImportStep { mark, at: self.clock.now() }
    }

    /// Counts repairs and refusals, and reports each refusal.
    pub(crate) fn note_findings(&mut self, findings: &Findings) {
        self.report.add_findings(findings);
        for refused in &findings.refused {
            self.progress.refused(refused);
        }
    }

    /// Counts what the store did with a row, and reports it if it was refused.
    pub(crate) fn note_outcome(&mut self, kind: ImportedKind, id: &str, outcome: ImportOutcome) {
        self.report.add_outcome(kind, outcome, 1);
        if let ImportOutcome::Refused(reason) = outcome {
            self.progress.refused(&Refused { kind, id: id.to_owned(), reason });
        }
    }

    pub(crate) fn page_done(&mut self) {
        self.progress.page(&self.report);
    }

    /// Ends the import: the next one starts from the beginning.
    pub(crate) async fn finish(self) -> Result<Report, ImportError> {
        if !self.settings.is_dry_run {
            self.store.finish_import().await?;
        }
        Ok(self.report)
    }
}

/// How far an import got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The name of the step.
    pub(crate) step: String,
    /// The key of the last row that was imported.
    pub(crate) after: String,
}
