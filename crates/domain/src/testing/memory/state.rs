use std::collections::{HashMap, HashSet};

use super::{
    jobs::Jobs,
    mails::Mails,
    preferences::Wishes,
    record::{Post, Record},
    reports::Report,
    retention::Retention,
    uploads::Uploads,
};
use crate::{
    audit::AuditEntry,
    erasure::Erasure,
    export::Export,
    id::{AppointmentId, ConversationId, MessageId, UserId},
    participant::Participant,
    seq::Seq,
};

/// The directory.
pub(super) type People = HashMap<UserId, Participant>;

/// All there is.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) people: People,
    records: HashMap<ConversationId, Record>,
    pub(super) reports: Vec<Report>,
    pub(super) uploads: Uploads,
    pub(super) jobs: Jobs,
    pub(super) mails: Mails,
    pub(super) wishes: Wishes,
    pub(super) erasures: HashMap<UserId, Erasure>,
    /// Those among them that an operator asked for.
    pub(super) replayed: HashSet<UserId>,
    pub(super) retention: Retention,
    pub(super) exports: HashMap<UserId, Export>,
    pub(super) audit: Vec<AuditEntry>,
}

impl State {
    pub(super) fn open(&mut self, record: Record) {
        self.records.insert(record.head.id.clone(), record);
    }

    /// The conversations that were not taken away.
    pub(super) fn live(&self) -> impl Iterator<Item = &Record> {
        self.records.values().filter(|record| record.is_live())
    }

    /// The conversations of `user` that were not taken away.
    pub(super) fn live_of<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a Record> {
        self.live().filter(|record| record.side_of(user).is_some())
    }

    /// The conversations of `user`, taken away or not.
    pub(super) fn all_of<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a Record> {
        self.records.values().filter(|record| record.side_of(user).is_some())
    }

    /// The salon's conversation about a booking.
    pub(super) fn about(&self, salon: &UserId, booking: &AppointmentId) -> Option<&Record> {
        self.live().find(|record| {
            record.head.parties.salon == *salon && record.head.appointment.as_ref() == Some(booking)
        })
    }

    /// See [`MemoryStore::forget_log`](super::MemoryStore::forget_log).
    pub(super) fn forget_log(&mut self, id: &ConversationId, seq: Seq) {
        if let Some(record) = self.records.get_mut(id) {
            record.forgotten = record.forgotten.max(seq).min(record.head.last_seq);
        }
    }

    /// All conversations in the order of their ids, taken away or not.
    pub(super) fn by_id(&self) -> Vec<&Record> {
        let mut all: Vec<_> = self.records.values().collect();
        all.sort_by_key(|record| &record.head.id);
        all
    }

    /// Whether a conversation has this id, taken away or not.
    pub(super) fn has_conversation(&self, id: &ConversationId) -> bool {
        self.records.contains_key(id)
    }

    /// A conversation of `user`, taken away or not.
    pub(super) fn any_of(&self, id: &ConversationId, user: &UserId) -> Option<&Record> {
        self.records.get(id).filter(|record| record.side_of(user).is_some())
    }

    /// A conversation of `user`, with the directory.
    pub(super) fn find(&self, id: &ConversationId, user: &UserId) -> Option<(&Record, &People)> {
        let record = self.any_of(id, user).filter(|record| record.is_live())?;
        Some((record, &self.people))
    }

    /// A conversation of `user` that is to be changed, with the directory.
    pub(super) fn change(
        &mut self,
        id: &ConversationId,
        user: &UserId,
    ) -> Option<(&mut Record, &People)> {
        let record = self.records.get_mut(id);
        let record = record.filter(|record| record.is_live() && record.side_of(user).is_some())?;
        Some((record, &self.people))
    }

    /// A message in a conversation of `user`, with that conversation.
    pub(super) fn message(&self, id: &MessageId, user: &UserId) -> Option<(&Record, &Post)> {
        let mut own = self.live().filter(|record| record.side_of(user).is_some());
        own.find_map(|record| Some((record, record.post(id)?)))
    }
}
