//! One import, from its first page to its last.

use std::{collections::HashSet, sync::Arc};

use domain::{
    ids::ConversationId,
    import::{
        Findings, ImportedKind, Refused,
        store::{Fingerprint, ImportMark, ImportOutcome, ImportStep, ImportStore},
    },
    ports::Clock,
};

use crate::{ImportError, Settings, Tally, Watcher, stage::Place};

/// What an import knows and counts.
pub(crate) struct Run<'w> {
    settings: Settings,
    store: Arc<dyn ImportStore>,
    clock: Arc<dyn Clock>,
    watcher: &'w mut dyn Watcher,
    source: Fingerprint,
    tally: Tally,
    /// Those that are not here, which are few: mail about them is refused as well.
    refused_conversations: HashSet<ConversationId>,
}

impl<'w> Run<'w> {
    /// Begins, or goes on where an import of the same source stood.
    pub(crate) async fn begin(
        settings: &Settings,
        store: Arc<dyn ImportStore>,
        clock: Arc<dyn Clock>,
        watcher: &'w mut dyn Watcher,
        source: Fingerprint,
    ) -> Result<(Self, Option<Place>), ImportError> {
        let mark = if settings.is_dry_run { None } else { store.import_mark().await? };
        let mark = mark.filter(|mark| mark.source == source);
        let tally = mark.as_ref().map(|mark| Tally::parse(&mark.tally)).unwrap_or_default();
        if mark.is_some() {
            watcher.resumed(&tally);
        }
        let place = mark.map(|mark| Place { stage: mark.stage, after: mark.after });
        let run = Self {
            settings: settings.clone(),
            store,
            clock,
            watcher,
            source,
            tally,
            refused_conversations: HashSet::new(),
        };
        Ok((run, place))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn store(&self) -> Arc<dyn ImportStore> {
        Arc::clone(&self.store)
    }

    pub(crate) fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    pub(crate) fn refuses(&self, conversation: &ConversationId) -> bool {
        self.refused_conversations.contains(conversation)
    }

    pub(crate) fn note_refused(&mut self, conversation: ConversationId) {
        self.refused_conversations.insert(conversation);
    }

    /// The step that begins at `place`. It is marked with what was counted before it: should it be
    /// the last, it is done again, and counted once.
    pub(crate) fn step(&self, place: &Place) -> ImportStep {
        let mark = ImportMark {
            source: self.source,
            stage: place.stage.clone(),
            after: place.after.clone(),
            tally: self.tally.to_string(),
        };
        let mark = (!self.settings.is_dry_run).then_some(mark);
        ImportStep { mark, at: self.clock.now() }
    }

    /// Counts and tells what was found on the way.
    pub(crate) fn found(&mut self, findings: &Findings) {
        self.tally.found(findings);
        for refused in &findings.refused {
            self.watcher.refused(refused);
        }
    }

    /// Counts and tells what became of something.
    pub(crate) fn landed(&mut self, thing: ImportedKind, id: &str, landing: ImportOutcome) {
        self.tally.landed(thing, landing, 1);
        if let ImportOutcome::Refused(reason) = landing {
            self.watcher.refused(&Refused { thing, id: id.to_owned(), reason });
        }
    }

    /// A page is done.
    pub(crate) fn page_done(&mut self) {
        self.watcher.page(&self.tally);
    }

    /// Everything is done.
    pub(crate) async fn finish(self) -> Result<Tally, ImportError> {
        if !self.settings.is_dry_run {
            self.store.finish_import().await?;
        }
        Ok(self.tally)
    }
}
