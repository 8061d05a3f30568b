use std::{collections::BTreeMap, sync::Arc};

use domain::{
    ids::{ConversationId, UserId},
    import::{
        ImportedConversation, Refusal,
        store::{ImportOutcome, ImportRow},
    },
    participant::{Participant, Role},
};

use super::{Position, Run, Step};
use crate::{
    ImportError, Settings, SourceError,
    fingerprint::fingerprinted,
    legacy::{
        Findings, ImportedKind, Repair, conversation, nameless,
        rows::{LegacyConversation, Raw},
    },
    source::{Bounds, ConversationRow, Source},
};

/// Conversations with their messages.
pub(super) struct Conversations;

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
        let mut page = Page::default();
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
            note_outcome(run, &row.value, outcome, size);
        }
        Ok(())
    }
}

/// Counts what the store did with a conversation, and so with its messages and files.
fn note_outcome(
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
struct Page {
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

impl Page {
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
