use std::{collections::BTreeMap, sync::Arc};

use domain::{
    ids::{ConversationId, UserId},
    import::{
        ImportedConversation, Refusal,
        store::{ImportOutcome, ImportRow},
    },
    participant::{Participant, Role},
};

use super::{Place, Run, Stage};
use crate::{
    ImportError, Settings, SourceError,
    fingerprint::incoming,
    legacy::{
        Findings, ImportedKind, Repair, conversation, nameless,
        rows::{LegacyConversation, Raw},
    },
    source::{Bounds, Person, Source, Talk},
};

/// Conversations with all that was said in them.
pub(super) struct Conversations;

impl Stage for Conversations {
    const WORD: &'static str = "conversations";
    type Row = Talk;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<Talk>, SourceError> {
        let bounds =
            Bounds { rows_max: settings.page_rows_max, messages_max: settings.page_messages_max };
        source.conversations(after, bounds).await
    }

    fn key(row: &Talk) -> String {
        row.conversation.id.0.clone()
    }

    async fn take(run: &mut Run<'_>, rows: Vec<Talk>, place: &Place) -> Result<(), ImportError> {
        let step = run.step(place);
        let mut page = Page::default();
        for talk in rows {
            page.add(talk);
        }
        let missing: Arc<[_]> = page.missing.into_values().map(incoming).collect();
        if !missing.is_empty() {
            run.store().import_people(missing, step.clone()).await?;
        }
        let (taken, sizes): (Vec<_>, Vec<_>) = page.taken.into_iter().unzip();
        let taken: Arc<[ImportRow<ImportedConversation>]> = taken.into();
        let landings = run.store().import_conversations(Arc::clone(&taken), step).await?;
        run.tally().read(ImportedKind::Conversation, page.read.conversations);
        run.tally().read(ImportedKind::Message, page.read.messages);
        run.tally().read(ImportedKind::File, page.read.files);
        run.tally().read(ImportedKind::Counter, page.read.counters);
        run.found(&page.findings);
        run.tally().refuse(
            ImportedKind::Message,
            Refusal::ConversationRefused,
            page.lost.messages as u64,
        );
        run.tally().refuse(
            ImportedKind::File,
            Refusal::ConversationRefused,
            page.lost.files as u64,
        );
        for id in page.refused {
            run.note_refused(id);
        }
        for ((it, landing), size) in taken.iter().zip(landings).zip(sizes) {
            landed(run, &it.value, landing, size);
        }
        Ok(())
    }
}

/// Counts what became of a conversation and all that is in it.
fn landed(
    run: &mut Run<'_>,
    conversation: &ImportedConversation,
    landing: ImportOutcome,
    size: Size,
) {
    run.landed(ImportedKind::Conversation, conversation.id.as_str(), landing);
    let inside = match landing {
        ImportOutcome::Refused(reason) => {
            // One that went on here is here, and so are mail and wishes about it.
            if reason != Refusal::WentOnHere {
                run.note_refused(conversation.id.clone());
            }
            ImportOutcome::Refused(Refusal::ConversationRefused)
        }
        other => other,
    };
    run.tally().landed(ImportedKind::Message, inside, size.messages as u64);
    run.tally().landed(ImportedKind::File, inside, size.files as u64);
}

/// How much is in something.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    conversations: usize,
    messages: usize,
    files: usize,
    counters: usize,
}

impl Size {
    fn of(former: &LegacyConversation) -> Self {
        let files = former.messages.iter().map(|it| it.files.len()).sum();
        let (messages, counters) = (former.messages.len(), former.counters.len());
        Self { conversations: 1, messages, files, counters }
    }

    fn of_taken(conversation: &ImportedConversation) -> Self {
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

/// A page, ready for the store.
#[derive(Default)]
struct Page {
    taken: Vec<(ImportRow<ImportedConversation>, Size)>,
    /// People without an account.
    missing: BTreeMap<UserId, Participant>,
    refused: Vec<ConversationId>,
    findings: Findings,
    read: Size,
    /// What is in conversations that are refused.
    lost: Size,
}

impl Page {
    fn add(&mut self, talk: Talk) {
        let size = Size::of(&talk.conversation);
        self.read.add(size);
        let id = ConversationId::parse(&talk.conversation.id.0);
        let sides = [
            (talk.conversation.salon.clone(), talk.salon, Role::Other),
            (talk.conversation.client.clone(), talk.client, Role::Client),
        ];
        let Some(taken) = conversation(talk.conversation, &mut self.findings) else {
            self.lost.add(size);
            self.refused.extend(id);
            return;
        };
        for (person, account, role) in sides {
            self.enter_missing(&person, account, role);
        }
        let size = Size::of_taken(&taken);
        self.taken.push((incoming(taken), size));
    }

    fn enter_missing(&mut self, id: &Raw, person: Person, role: Role) {
        if let Ok(id) = UserId::parse(&id.0)
            && !person.has_account
        {
            self.findings.repaired(Repair::PersonMissing);
            self.missing.insert(id.clone(), nameless(id, role));
        }
    }
}
