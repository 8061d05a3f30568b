//! The steps of an import, in order: each imports one kind of rows, page by page.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    ids::{ConversationId, UserId},
    import::{
        ImportOutcome, ImportRow, ImportedConversation, ImportedMail, ImportedPreference, Refusal,
    },
    participant::{Participant, Role},
};
use futures_util::future::join;

use crate::{
    ImportError, Report, Settings, SourceError,
    fingerprint::fingerprinted,
    legacy::{
        Findings, ImportedKind, Repair, conversation, mail, nameless, person, preference,
        rows::{LegacyConversation, LegacyMail, LegacyPerson, LegacyPreference, Raw},
    },
    run::{Position, Run},
    source::{Bounds, ConversationRow, Source},
};

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
pub(crate) async fn run_all(
    source: &mut Source,
    mut run: Run<'_>,
    from: Option<Position>,
) -> Result<Report, ImportError> {
    let steps = [People::NAME, Conversations::NAME, Preferences::NAME, Mail::NAME];
    let position = from.unwrap_or_default();
    let first = steps.iter().position(|name| *name == position.step).unwrap_or_default();
    for (number, name) in steps.into_iter().enumerate().skip(first) {
        let after = if name == position.step { position.after.as_str() } else { "" };
        match number {
            0 => pages::<People>(source, &mut run, after).await?,
            1 => pages::<Conversations>(source, &mut run, after).await?,
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

// Conversations.

/// Conversations with their messages.
struct Conversations;

impl Step for Conversations {
    const NAME: &'static str = "conversations";
    type Row = ConversationRow;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<ConversationRow>, SourceError> {
        let bounds =
            Bounds { rows_max: settings.page_rows_max, messages_max: settings.page_messages_max };
        source.conversations(after, bounds).await
    }

    fn key(row: &ConversationRow) -> String {
        row.conversation.id.0.clone()
    }

    async fn import(
        run: &mut Run<'_>,
        rows: Vec<ConversationRow>,
        position: &Position,
    ) -> Result<(), ImportError> {
        let step = run.page_step(position);
        let mut page = ConversationPage::default();
        for row in rows {
            page.add(row);
        }
        let missing: Arc<[_]> = page.missing_people.into_values().map(fingerprinted).collect();
        if !missing.is_empty() {
            run.store().import_people(missing, step.clone()).await?;
        }
        let (conversations, sizes): (Vec<_>, Vec<_>) = page.conversations.into_iter().unzip();
        let conversations: Arc<[ImportRow<ImportedConversation>]> = conversations.into();
        let outcomes = run.store().import_conversations(Arc::clone(&conversations), step).await?;
        run.report().add_read(ImportedKind::Conversation, page.read.conversations);
        run.report().add_read(ImportedKind::Message, page.read.messages);
        run.report().add_read(ImportedKind::File, page.read.files);
        run.report().add_read(ImportedKind::Counter, page.read.counters);
        run.note_findings(&page.findings);
        run.report().add_refused(
            ImportedKind::Message,
            Refusal::ConversationRefused,
            page.refused_size.messages as u64,
        );
        run.report().add_refused(
            ImportedKind::File,
            Refusal::ConversationRefused,
            page.refused_size.files as u64,
        );
        for id in page.refused_ids {
            run.note_refused(id);
        }
        for ((row, outcome), size) in conversations.iter().zip(outcomes).zip(sizes) {
            note_conversation(run, &row.value, outcome, size);
        }
        Ok(())
    }
}

/// Counts what the store did with a conversation, and so with its messages and files.
fn note_conversation(
    run: &mut Run<'_>,
    conversation: &ImportedConversation,
    outcome: ImportOutcome,
    size: Size,
) {
    run.note_outcome(ImportedKind::Conversation, conversation.id.as_str(), outcome);
    let contents = match outcome {
        ImportOutcome::Refused(reason) => {
            // One that has gone on here exists, so its mail and mutes are imported.
            if reason != Refusal::WentOnHere {
                run.note_refused(conversation.id.clone());
            }
            ImportOutcome::Refused(Refusal::ConversationRefused)
        }
        other => other,
    };
    run.report().add_outcome(ImportedKind::Message, contents, size.messages as u64);
    run.report().add_outcome(ImportedKind::File, contents, size.files as u64);
}

/// A number of rows, by kind.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    conversations: usize,
    messages: usize,
    files: usize,
    counters: usize,
}

impl Size {
    fn of_legacy(legacy: &LegacyConversation) -> Self {
        let files = legacy.messages.iter().map(|it| it.files.len()).sum();
        let (messages, counters) = (legacy.messages.len(), legacy.counters.len());
        Self { conversations: 1, messages, files, counters }
    }

    fn of_imported(conversation: &ImportedConversation) -> Self {
        let files = conversation.messages.iter().map(|it| it.files.len()).sum();
        Self { conversations: 1, messages: conversation.messages.len(), files, counters: 0 }
    }

    fn add(&mut self, other: Self) {
        self.conversations += other.conversations;
        self.messages += other.messages;
        self.files += other.files;
        self.counters += other.counters;
    }
}

/// A page, converted for the store.
#[derive(Default)]
struct ConversationPage {
    conversations: Vec<(ImportRow<ImportedConversation>, Size)>,
    /// Participants without an account.
    missing_people: BTreeMap<UserId, Participant>,
    refused_ids: Vec<ConversationId>,
    findings: Findings,
    /// All that was read.
    read: Size,
    /// What the refused conversations contained.
    refused_size: Size,
}

impl ConversationPage {
    fn add(&mut self, row: ConversationRow) {
        let size = Size::of_legacy(&row.conversation);
        self.read.add(size);
        let id = ConversationId::parse(&row.conversation.id.0);
        let sides = [
            (row.conversation.salon.clone(), row.salon_has_account, Role::Other),
            (row.conversation.client.clone(), row.client_has_account, Role::Client),
        ];
        let Some(imported) = conversation(row.conversation, &mut self.findings) else {
            self.refused_size.add(size);
            self.refused_ids.extend(id);
            return;
        };
        for (person, has_account, role) in sides {
            if !has_account {
                self.add_missing(&person, role);
            }
        }
        let size = Size::of_imported(&imported);
        self.conversations.push((fingerprinted(imported), size));
    }

    fn add_missing(&mut self, id: &Raw, role: Role) {
        if let Ok(id) = UserId::parse(&id.0) {
            self.findings.repaired(Repair::PersonMissing);
            self.missing_people.insert(id.clone(), nameless(id, role));
        }
    }
}
