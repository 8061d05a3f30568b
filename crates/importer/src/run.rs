//! One import: where it starts, what it counts, and in which order the steps run.

mod conversations;

use std::{collections::HashSet, sync::Arc};

use domain::{
    ids::ConversationId,
    import::{
        ImportedMail, ImportedPreference, Refusal,
        store::{Fingerprint, ImportMark, ImportOutcome, ImportRow, ImportStep, ImportStore},
    },
    participant::Participant,
    ports::Clock,
};
use futures_util::future::join;

use crate::{
    ImportError, Progress, Report, Settings, SourceError,
    fingerprint::fingerprinted,
    legacy::{
        Findings, ImportedKind, Refused, Repair, mail, person, preference,
        rows::{LegacyMail, LegacyPerson, LegacyPreference},
    },
    source::Source,
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

// The steps, in order.

/// How far an import got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The name of the step.
    pub(crate) step: String,
    /// The key of the last row that was imported.
    pub(crate) after: String,
}

/// Imports one kind of rows, page by page.
trait Step {
    /// Names the step in a mark.
    const NAME: &'static str;
    /// A row of the source.
    type Row;

    /// The page behind the row with the key `after`; empty at the end.
    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<Self::Row>, SourceError>;

    /// The key of `row`.
    fn key(row: &Self::Row) -> String;

    /// Imports `rows`, the page behind `position`.
    async fn import(
        run: &mut Run<'_>,
        rows: Vec<Self::Row>,
        position: &Position,
    ) -> Result<(), ImportError>;
}

/// Runs every step, or those that are left behind `from`.
pub(crate) async fn all(
    source: &mut Source,
    mut run: Run<'_>,
    from: Option<Position>,
) -> Result<Report, ImportError> {
    let steps = [People::NAME, conversations::Conversations::NAME, Preferences::NAME, Mail::NAME];
    let position = from.unwrap_or_default();
    let first = steps.iter().position(|name| *name == position.step).unwrap_or_default();
    for (number, name) in steps.into_iter().enumerate().skip(first) {
        let after = if name == position.step { position.after.as_str() } else { "" };
        match number {
            0 => pages::<People>(source, &mut run, after).await?,
            1 => pages::<conversations::Conversations>(source, &mut run, after).await?,
            2 => pages::<Preferences>(source, &mut run, after).await?,
            _ => pages::<Mail>(source, &mut run, after).await?,
        }
    }
    let closed = source.closed_mail().await?;
    run.report().set_closed_mail(closed);
    run.finish().await
}

/// Runs one step. While a page is written, the next one is read.
async fn pages<S: Step>(
    source: &mut Source,
    run: &mut Run<'_>,
    after: &str,
) -> Result<(), ImportError> {
    let settings = run.settings().clone();
    let mut position = Position { step: S::NAME.to_owned(), after: after.to_owned() };
    let mut rows = S::read(source, after, &settings).await?;
    while let Some(last) = rows.last() {
        let last = S::key(last);
        if last == position.after {
            // A key that is not UTF-8 was replaced when it was read, so the source finds no row behind it.
            return Err(SourceError(format!(
                "the {} cannot be read past a row whose key is not UTF-8",
                S::NAME
            ))
            .into());
        }
        let (imported, next) =
            join(S::import(run, rows, &position), S::read(source, &last, &settings)).await;
        imported?;
        run.page_done();
        position.after = last;
        rows = next?;
    }
    Ok(())
}

/// Separates conversation and recipient in a key: no id contains it.
const KEY_SEPARATOR: char = '\n';

/// Pending notification mail.
struct Mail;

impl Step for Mail {
    const NAME: &'static str = "mail";
    type Row = LegacyMail;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<LegacyMail>, SourceError> {
        let after = after.split_once(KEY_SEPARATOR).unwrap_or_default();
        source.mail(after, settings.page_rows_max).await
    }

    fn key(row: &LegacyMail) -> String {
        format!("{}{KEY_SEPARATOR}{}", row.conversation.0, row.recipient.0)
    }

    async fn import(
        run: &mut Run<'_>,
        rows: Vec<LegacyMail>,
        position: &Position,
    ) -> Result<(), ImportError> {
        let step = run.page_step(position);
        let mut findings = Findings::default();
        let mails = rows.iter().filter_map(|legacy| mail(legacy, &mut findings));
        let (mails, refused): (Vec<_>, Vec<_>) =
            mails.partition(|mail| !run.is_refused(&mail.conversation));
        for mail in refused {
            findings.refuse(ImportedKind::Mail, &mail.key(), Refusal::ConversationRefused);
        }
        let mails: Arc<[ImportRow<ImportedMail>]> = mails.into_iter().map(fingerprinted).collect();
        let outcomes = run.store().import_mail(Arc::clone(&mails), step).await?;
        run.report().add_read(ImportedKind::Mail, rows.len());
        run.note_findings(&findings);
        for (mail, outcome) in mails.iter().zip(outcomes) {
            run.note_outcome(ImportedKind::Mail, &mail.value.key(), outcome);
        }
        Ok(())
    }
}

/// Accounts, which become participants.
struct People;

impl Step for People {
    const NAME: &'static str = "people";
    type Row = LegacyPerson;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<LegacyPerson>, SourceError> {
        source.people(after, settings.page_rows_max).await
    }

    fn key(row: &LegacyPerson) -> String {
        row.id.0.clone()
    }

    async fn import(
        run: &mut Run<'_>,
        rows: Vec<LegacyPerson>,
        position: &Position,
    ) -> Result<(), ImportError> {
        let step = run.page_step(position);
        let mut findings = Findings::default();
        let people = rows.iter().filter_map(|legacy| person(legacy, &mut findings));
        let people: Arc<[ImportRow<Participant>]> = people.map(fingerprinted).collect();
        let outcomes = run.store().import_people(Arc::clone(&people), step).await?;
        run.report().add_read(ImportedKind::Person, rows.len());
        run.note_findings(&findings);
        for (person, outcome) in people.iter().zip(outcomes) {
            run.note_outcome(ImportedKind::Person, person.value.id.as_str(), outcome);
        }
        Ok(())
    }
}

/// Notification preferences.
struct Preferences;

impl Step for Preferences {
    const NAME: &'static str = "preferences";
    type Row = LegacyPreference;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<LegacyPreference>, SourceError> {
        source.preferences(after, settings.page_rows_max).await
    }

    fn key(row: &LegacyPreference) -> String {
        row.person.0.clone()
    }

    async fn import(
        run: &mut Run<'_>,
        rows: Vec<LegacyPreference>,
        position: &Position,
    ) -> Result<(), ImportError> {
        let step = run.page_step(position);
        let mut findings = Findings::default();
        let preferences = rows.iter().filter_map(|legacy| preference(legacy, &mut findings));
        let mut preferences: Vec<_> = preferences.map(fingerprinted).collect();
        for preference in &mut preferences {
            drop_refused(&mut preference.value, run, &mut findings);
        }
        let preferences: Arc<[ImportRow<ImportedPreference>]> = preferences.into();
        let outcomes = run.store().import_preferences(Arc::clone(&preferences), step).await?;
        run.report().add_read(ImportedKind::Preference, rows.len());
        run.note_findings(&findings);
        for (preference, outcome) in preferences.iter().zip(outcomes) {
            run.note_outcome(ImportedKind::Preference, preference.value.person.as_str(), outcome);
        }
        Ok(())
    }
}

/// Removes refused conversations from the muted ones. The fingerprint was taken before, over all of them: a resumed
/// import does not know what the interrupted one refused, and must compute the same fingerprint.
fn drop_refused(preference: &mut ImportedPreference, run: &Run<'_>, findings: &mut Findings) {
    let before = preference.muted.len();
    preference.muted.retain(|conversation| !run.is_refused(conversation));
    let dropped = before - preference.muted.len();
    findings.repaired_times(Repair::MuteDropped, dropped as u64);
}
