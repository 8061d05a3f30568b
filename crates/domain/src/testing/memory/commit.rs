//! The one way in which a conversation changes: lock, collect facts, decide, apply.

use super::{
    State,
    messages::{StoredConversation, StoredMessage},
};
use crate::{
    conversation::{
        Parties, Side,
        event::Event,
        ledger::{
            self, Changes, Command, Facts, Head, MessagePlace, PerSide, Post, Refusal, Remaining,
        },
        store::{OpenConversation, ReadTarget},
    },
    ids::{ConversationId, MessageId, Seq, UserId},
    time::Timestamp,
};

/// What a command has changed.
pub(super) struct Committed {
    pub(super) changes: Changes,
    /// The number of files for which deletion jobs were enqueued.
    pub(super) files: u64,
}

impl State {
    /// Decides a command on a conversation, and applies the decision.
    pub(super) fn commit(
        &mut self,
        id: &ConversationId,
        command: &Command,
        at: Timestamp,
    ) -> Result<Committed, Refusal> {
        let record = self.records.get(id).ok_or(Refusal::UnknownConversation)?;
        let facts = self.facts(record, command);
        let record = self.records.get_mut(id).ok_or(Refusal::UnknownConversation)?;
        let changes = ledger::decide(&mut record.head, command, &facts, at)?;
        let files = record.apply(&changes);
        if let Some(new) = &changes.message {
            self.uploads.take(&new.uploads);
        }
        if let Some(reader) = &changes.mail_to {
            self.mails.note(reader.clone(), id.clone(), at);
        }
        Ok(Committed { changes, files: self.jobs.delete_files(&files, at) })
    }

    /// The same for a conversation that is to be opened. Returns the events.
    pub(super) fn open(
        &mut self,
        open: &OpenConversation,
        command: &Command,
        at: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        let unopened =
            || Head::unopened(open.id.clone(), open.parties.clone(), open.appointment.clone());
        let known = self.records.get(&open.id).map(|record| record.head.clone());
        let mut record = StoredConversation::new(known.unwrap_or_else(unopened));
        let facts = self.facts(&record, command);
        let changes = ledger::decide(&mut record.head, command, &facts, at)?;
        record.apply(&changes);
        self.records.insert(open.id.clone(), record);
        Ok(changes.events)
    }

    fn facts(&self, record: &StoredConversation, command: &Command) -> Facts {
        let conversation = record.conversation();
        let Parties { salon, client } = &conversation.parties;
        let known = [salon, client].into_iter().filter_map(|person| self.people.get(person));
        let facts = Facts { people: known.cloned().collect(), ..Facts::default() };
        let is_erased = |person: &UserId| self.erasures.contains_key(person);
        match command {
            Command::Open(_) => {
                let booking = conversation.appointment.as_ref();
                let about = booking.and_then(|booking| self.about(salon, booking));
                let conversation_of_booking = about.map(|known| known.conversation().id.clone());
                Facts { conversation_of_booking, ..facts }
            }
            Command::Post(post) => Facts {
                is_erased: is_erased(&post.author),
                keyed: keyed(record, post),
                uploads: self.uploads.finished_for(post),
                ..facts
            },
            Command::MarkRead { reader, target } => {
                Facts { unread_beyond: unread_beyond(record, reader, *target), ..facts }
            }
            Command::DeleteMessage { message, .. } => {
                with_deleted(facts, record, 1, |post| post.id == *message)
            }
            Command::Edit { .. } | Command::DeleteConversation { .. } | Command::PostNotice(_) => {
                facts
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
