//! The one way in which a conversation changes: lock, collect facts, decide, apply, publish.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    MemoryStore, State,
    mail::Handling,
    messages::{StoredConversation, StoredMessage},
};
use crate::{
    conversation::{
        Parties, Side,
        ledger::{
            self, Booking, Changes, Command, Deleted, Facts, HandledEvent, Head, MessagePlace,
            Open, PerSide, Post, ReadTarget, Refusal, Remaining,
        },
        store::{Committed, ConversationLog},
    },
    ids::{ConversationId, MessageId, Seq, UserId},
    ports::{Fanout, StoreError},
    time::Timestamp,
};

#[async_trait]
impl ConversationLog for MemoryStore {
    async fn commit(
        &self,
        conversation: &ConversationId,
        command: Command,
        at: Timestamp,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Result<Committed, Refusal>, StoreError> {
        let mut state = self.state()?;
        let committed = state.commit(conversation, &command, at, &*fanout);
        // Published under the lock, so that the order is that of the commits.
        if let Ok(Committed { changes: Changes { events, .. }, .. }) = &committed
            && !events.is_empty()
        {
            fanout.publish(events);
        }
        Ok(committed)
    }
}

impl State {
    fn commit(
        &mut self,
        id: &ConversationId,
        command: &Command,
        at: Timestamp,
        fanout: &dyn Fanout,
    ) -> Result<Committed, Refusal> {
        let mut unopened = match command {
            Command::Open(open) if !self.has_conversation(id) => Some(unopened(id, open)),
            _ => None,
        };
        let record = unopened.as_ref().or_else(|| self.records.get(id));
        let record = record.ok_or(Refusal::UnknownConversation)?;
        let reader = command.reader_on_arrival(&record.conversation().parties);
        let is_watched = reader.is_some_and(|reader| fanout.is_watching(id, reader));
        let facts = Facts { is_watched, ..self.facts(record, command) };
        let record = unopened.as_mut().or_else(|| self.records.get_mut(id));
        let record = record.ok_or(Refusal::UnknownConversation)?;
        let changes = ledger::decide(&mut record.head, command, &facts, at)?;
        let files = record.apply(&changes);
        let (parties, unread) = (record.conversation().parties.clone(), record.head.unread);
        if let Some(opened) = unopened {
            self.records.insert(id.clone(), opened);
        }

        if let Some(new) = &changes.message {
            self.uploads.take(&new.uploads);
        }
        if let Some(reader) = &changes.mail_to {
            self.mails.note(reader.clone(), id.clone(), at);
        }
        if let Some(report) = changes.handled.as_ref().and_then(|event| self.report(event)) {
            report.state = Handling::Handled;
        }
        let files = self.jobs.delete_files(&files, at);
        if let Command::Erase { person, .. } = command {
            self.count_erased(person, &changes, files);
        }
        Ok(Committed { parties, unread, changes, files })
    }

    /// Adds what was deleted to the receipt.
    fn count_erased(&mut self, person: &UserId, changes: &Changes, files: u64) {
        let messages = match &changes.deleted {
            Deleted::Messages(ids) => ids.len() as u64,
            Deleted::Nothing | Deleted::Everything => 0,
        };
        if let Some(receipt) = self.erasures.get_mut(person) {
            receipt.messages += messages;
            receipt.files += files;
        }
    }

    fn booking(&self, handles: Option<&HandledEvent>) -> Booking {
        let Some(HandledEvent { event, .. }) = handles else { return Booking::default() };
        let mut reports = self.reports.iter();
        match reports.find(|report| report.event.id == *event) {
            Some(report) => Booking {
                is_handled: report.state == Handling::Handled,
                newest_handled: self.newest_handled(&report.event),
            },
            None => Booking { is_handled: true, newest_handled: None },
        }
    }

    fn facts(&self, record: &StoredConversation, command: &Command) -> Facts {
        let conversation = record.conversation();
        let Parties { salon, client } = &conversation.parties;
        let known = [salon, client].into_iter().filter_map(|person| self.people.get(person));
        let facts = Facts { people: known.cloned().collect(), ..Facts::default() };
        let is_erased = |person: &UserId| self.erasures.contains_key(person);
        match command {
            Command::Open(open) => {
                let booking = conversation.appointment.as_ref();
                let about = booking.and_then(|booking| self.about(salon, booking));
                let conversation_of_booking = about.map(|known| known.conversation().id.clone());
                let booking = self.booking(open.handles.as_ref());
                Facts { conversation_of_booking, booking, ..facts }
            }
            Command::Post(post) => Facts {
                is_erased: is_erased(&post.author),
                is_other_erased: [salon, client]
                    .into_iter()
                    .any(|person| *person != post.author && is_erased(person)),
                keyed: keyed(record, post),
                uploads: self.uploads.finished_for(post),
                ..facts
            },
            Command::MarkRead { reader, target } => {
                let unread_beyond = unread_beyond(record, reader, *target);
                Facts { is_erased: is_erased(reader), unread_beyond, ..facts }
            }
            Command::DeleteMessage { message, by } => {
                let facts = Facts { is_erased: is_erased(by), ..facts };
                with_deleted(facts, record, 1, |post| post.id == *message)
            }
            Command::Edit { by, .. } | Command::DeleteConversation { by } => {
                Facts { is_erased: is_erased(by), ..facts }
            }
            Command::PostNotice(notice) => {
                Facts { booking: self.booking(notice.handles.as_ref()), ..facts }
            }
            Command::ArchiveForAge { .. } => Facts { is_held: self.is_held(record), ..facts },
            Command::Purge { messages_max, .. } => {
                let facts = Facts { is_held: self.is_held(record), ..facts };
                with_deleted(facts, record, *messages_max, |post| !post.is_platform_message())
            }
            Command::Erase { person, messages_max } => {
                let facts = Facts { is_erased: is_erased(person), ..facts };
                with_deleted(facts, record, *messages_max, |post| post.is_by(person))
            }
        }
    }
}

fn unopened(id: &ConversationId, open: &Open) -> StoredConversation {
    let (parties, appointment) = (open.parties.clone(), open.appointment.clone());
    StoredConversation::new(Head::unopened(id.clone(), parties, appointment))
}

fn keyed(record: &StoredConversation, post: &Post) -> Option<MessageId> {
    let known = record.with_key(post.draft.key()?, &post.author)?;
    Some(known.id.clone())
}

fn unread_beyond(record: &StoredConversation, reader: &UserId, target: ReadTarget) -> u64 {
    let (Some(side), ReadTarget::UpTo(seq)) = (record.side_of(reader), target) else { return 0 };
    let author = record.conversation().parties.on(side.other());
    let from = seq.max(record.conversation().horizons.of(side));
    record.posts().filter(|post| post.is_by(author) && post.seq > from).count() as u64
}

/// The facts with the oldest `limit` messages that match, to be deleted, and what remains without
/// them.
fn with_deleted(
    facts: Facts,
    record: &StoredConversation,
    limit: u32,
    matches: impl Fn(&StoredMessage) -> bool,
) -> Facts {
    let matching = record.posts().filter(|post| matches(post)).take(limit as usize);
    let messages: Vec<_> = matching.map(|post| place(record, post)).collect();
    let stays = |post: &StoredMessage| messages.iter().all(|place| place.id != post.id);
    let newest = |side: Side| {
        let author = record.conversation().parties.on(side);
        record.newest(|post| post.is_by(author) && stays(post)).map_or(Seq::ZERO, |post| post.seq)
    };
    let newest_of_a_side = record.newest(|post| !post.is_platform_message() && stays(post));
    let remaining = Remaining {
        newest: PerSide { salon: newest(Side::Salon), client: newest(Side::Client) },
        newest_at: newest_of_a_side.map(|post| post.created_at),
    };
    Facts { messages, remaining, ..facts }
}

fn place(record: &StoredConversation, post: &StoredMessage) -> MessagePlace {
    let author = record.side_of(&post.author).filter(|_| !post.is_platform_message());
    MessagePlace { id: post.id.clone(), author, seq: post.seq }
}
