//! One import, from its first page to its last.

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
    ImportError, Settings, SourceError, Tally, Watcher,
    fingerprint::incoming,
    legacy::{
        Findings, ImportedKind, Refused, Repair, mail, person, preference,
        rows::{LegacyMail, LegacyPerson, LegacyPreference},
    },
    source::Source,
};

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

// What is taken over, in which order.

/// How far an import got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The word of the stage.
    pub(crate) stage: String,
    /// The key of the last row that was done.
    pub(crate) after: String,
}

/// One kind of things, page by page.
trait Stage {
    /// What names the stage in a mark.
    const WORD: &'static str;
    /// What a page is made of.
    type Row;

    /// The page behind the row with the key `after`; empty at the end.
    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<Self::Row>, SourceError>;

    /// The key of `row`.
    fn key(row: &Self::Row) -> String;

    /// Takes over `rows`, which stand behind `place`.
    async fn take(
        run: &mut Run<'_>,
        rows: Vec<Self::Row>,
        place: &Place,
    ) -> Result<(), ImportError>;
}

/// Takes over everything, or what is left behind `from`.
pub(crate) async fn all(
    source: &mut Source,
    mut run: Run<'_>,
    from: Option<Place>,
) -> Result<Tally, ImportError> {
    let words = [People::WORD, conversations::Conversations::WORD, Preferences::WORD, Mail::WORD];
    let place = from.unwrap_or_default();
    let first = words.iter().position(|word| *word == place.stage).unwrap_or_default();
    for (number, word) in words.into_iter().enumerate().skip(first) {
        let after = if word == place.stage { place.after.as_str() } else { "" };
        match number {
            0 => pages::<People>(source, &mut run, after).await?,
            1 => pages::<conversations::Conversations>(source, &mut run, after).await?,
            2 => pages::<Preferences>(source, &mut run, after).await?,
            _ => pages::<Mail>(source, &mut run, after).await?,
        }
    }
    let closed = source.closed_mail().await?;
    run.tally().note_closed_mail(closed);
    run.finish().await
}

/// Takes over one kind of things. While a page is written, the next one is read.
async fn pages<S: Stage>(
    source: &mut Source,
    run: &mut Run<'_>,
    after: &str,
) -> Result<(), ImportError> {
    let settings = run.settings().clone();
    let mut place = Place { stage: S::WORD.to_owned(), after: after.to_owned() };
    let mut rows = S::read(source, after, &settings).await?;
    while let Some(last) = rows.last() {
        let last = S::key(last);
        if last == place.after {
            // Of a source that holds what is not UTF-8: what stands behind such a key is not found.
            return Err(SourceError(format!("the {} do not go on behind a row", S::WORD)).into());
        }
        let (taken, next) =
            join(S::take(run, rows, &place), S::read(source, &last, &settings)).await;
        taken?;
        run.page_done();
        place.after = last;
        rows = next?;
    }
    Ok(())
}

/// What stands between conversation and recipient in a key: no id holds one.
const BETWEEN: char = '\n';

/// Mail that waits.
struct Mail;

impl Stage for Mail {
    const WORD: &'static str = "mail";
    type Row = LegacyMail;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<LegacyMail>, SourceError> {
        let after = after.split_once(BETWEEN).unwrap_or_default();
        source.mail(after, settings.page_rows_max).await
    }

    fn key(row: &LegacyMail) -> String {
        format!("{}{BETWEEN}{}", row.conversation.0, row.recipient.0)
    }

    async fn take(
        run: &mut Run<'_>,
        rows: Vec<LegacyMail>,
        place: &Place,
    ) -> Result<(), ImportError> {
        let step = run.step(place);
        let mut findings = Findings::default();
        let taken = rows.iter().filter_map(|former| mail(former, &mut findings));
        let (taken, refused): (Vec<_>, Vec<_>) =
            taken.partition(|mail| !run.refuses(&mail.conversation));
        for mail in refused {
            findings.refuse(ImportedKind::Mail, &mail.key(), Refusal::ConversationRefused);
        }
        let taken: Arc<[ImportRow<ImportedMail>]> = taken.into_iter().map(incoming).collect();
        let landings = run.store().import_mail(Arc::clone(&taken), step).await?;
        run.tally().read(ImportedKind::Mail, rows.len());
        run.found(&findings);
        for (it, landing) in taken.iter().zip(landings) {
            run.landed(ImportedKind::Mail, &it.value.key(), landing);
        }
        Ok(())
    }
}

/// Accounts into the directory.
struct People;

impl Stage for People {
    const WORD: &'static str = "people";
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

    async fn take(
        run: &mut Run<'_>,
        rows: Vec<LegacyPerson>,
        place: &Place,
    ) -> Result<(), ImportError> {
        let step = run.step(place);
        let mut findings = Findings::default();
        let people = rows.iter().filter_map(|former| person(former, &mut findings));
        let people: Arc<[ImportRow<Participant>]> = people.map(incoming).collect();
        let landings = run.store().import_people(Arc::clone(&people), step).await?;
        run.tally().read(ImportedKind::Person, rows.len());
        run.found(&findings);
        for (it, landing) in people.iter().zip(landings) {
            run.landed(ImportedKind::Person, it.value.id.as_str(), landing);
        }
        Ok(())
    }
}

/// What people want to be told of by mail.
struct Preferences;

impl Stage for Preferences {
    const WORD: &'static str = "preferences";
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

    async fn take(
        run: &mut Run<'_>,
        rows: Vec<LegacyPreference>,
        place: &Place,
    ) -> Result<(), ImportError> {
        let step = run.step(place);
        let mut findings = Findings::default();
        let taken = rows.iter().filter_map(|former| preference(former, &mut findings));
        let mut taken: Vec<_> = taken.map(incoming).collect();
        for it in &mut taken {
            drop_refused(&mut it.value, run, &mut findings);
        }
        let taken: Arc<[ImportRow<ImportedPreference>]> = taken.into();
        let landings = run.store().import_preferences(Arc::clone(&taken), step).await?;
        run.tally().read(ImportedKind::Preference, rows.len());
        run.found(&findings);
        for (it, landing) in taken.iter().zip(landings) {
            run.landed(ImportedKind::Preference, it.value.person.as_str(), landing);
        }
        Ok(())
    }
}

/// A conversation that was refused is not there to be muted. The digest is of all that was muted:
/// a run that goes on where another stood does not know what that one refused.
fn drop_refused(preference: &mut ImportedPreference, run: &Run<'_>, findings: &mut Findings) {
    let before = preference.muted.len();
    preference.muted.retain(|conversation| !run.refuses(conversation));
    let dropped = before - preference.muted.len();
    findings.repaired_times(Repair::MuteDropped, dropped as u64);
}
