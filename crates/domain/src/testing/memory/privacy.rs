use async_trait::async_trait;

use super::{
    MemoryStore, State,
    messages::{Change, Record},
};
use crate::{
    conversation::{
        Parties, Side, Status,
        attachment::{Attachment, ObjectKey},
        event::Event,
    },
    ids::{ConversationId, UserId},
    jobs::Task,
    participant::Profile,
    ports::StoreError,
    privacy::{
        audit::{Actor, AuditAction, AuditEntry},
        erasure::Erasure,
        export::{Export, ReadyExport},
        store::{AuditStore, EraseIn, ErasureStore, ExportStore},
    },
    time::Timestamp,
};

#[async_trait]
impl ErasureStore for MemoryStore {
    async fn request_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError> {
        Ok(self.state()?.request_erasure(person, Actor::Service, at))
    }

    async fn replay_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError> {
        let mut state = self.state()?;
        if state.erasures.get(person).is_none_or(|known| known.finished_at.is_none()) {
            state.replayed.insert(person.clone());
        }
        Ok(state.request_erasure(person, Actor::Operator, at))
    }

    async fn erased_people(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        let mut people: Vec<_> = self.state()?.erasures.keys().cloned().collect();
        people.sort();
        people.retain(|person| after.as_ref().is_none_or(|after| person > after));
        people.truncate(limit as usize);
        Ok(people)
    }

    async fn erasure(&self, person: &UserId) -> Result<Option<Erasure>, StoreError> {
        Ok(self.state()?.erasures.get(person).cloned())
    }

    async fn next_to_erase(&self, person: &UserId) -> Result<Option<ConversationId>, StoreError> {
        Ok(self.state()?.next_to_erase(person))
    }

    async fn erase_in(&self, erase: &EraseIn) -> Result<Vec<Event>, StoreError> {
        let mut state = self.state()?;
        if !state.erasures.contains_key(&erase.person) {
            return Ok(vec![]);
        }
        let Some((record, people)) = state.change(&erase.conversation, &erase.person) else {
            return Ok(vec![]);
        };
        let before = record.head.last_seq;
        let left_something = leaves_something(record, &erase.person);
        let (messages, released) = empty(record, erase);
        put_away(record, erase);
        let is_done = left_something && !leaves_something(record, &erase.person);
        let events = record.events_after(before, people);
        let files = state.jobs.delete_files(&released, erase.at);
        if let Some(receipt) = state.erasures.get_mut(&erase.person) {
            receipt.conversations += u64::from(is_done);
            receipt.messages += messages;
            receipt.files += files;
        }
        Ok(events)
    }

    async fn finish_erasure(
        &self,
        person: &UserId,
        at: Timestamp,
    ) -> Result<Option<Erasure>, StoreError> {
        let mut state = self.state()?;
        if !state.erasures.contains_key(person) {
            return Ok(None);
        }
        state.take_archives(person, at);
        let files = state.drop_uploads(|upload| upload.owner == *person, u32::MAX, at);
        let is_done = state.next_to_erase(person).is_none();
        let receipt = state.erasures.get_mut(person).expect("it was just there");
        receipt.files += files;
        let is_news = is_done && receipt.finished_at.is_none();
        if is_done {
            receipt.finished_at.get_or_insert(at);
        }
        let receipt = receipt.clone();
        if is_news {
            let is_replayed = state.replayed.contains(person);
            let by = if is_replayed { Actor::Operator } else { Actor::Service };
            state.note(by, AuditAction::Erased, person.as_str(), at);
        }
        Ok(Some(receipt))
    }
}

impl State {
    fn request_erasure(&mut self, person: &UserId, by: Actor, at: Timestamp) -> Erasure {
        if let Some(known) = self.erasures.get(person) {
            return known.clone();
        }
        if let Some(known) = self.people.get_mut(person) {
            known.profile = Profile::default();
            known.is_forgotten = true;
        }
        for report in self.reports.iter_mut().filter(|report| report.event.client == *person) {
            report.event.client_first_name = None;
        }
        self.take_archives(person, at);
        self.jobs.enter(Task::ErasePerson(person.clone()), at);
        self.note(by, AuditAction::ErasureRequested, person.as_str(), at);
        let receipt = Erasure {
            person: person.clone(),
            requested_at: at,
            finished_at: None,
            conversations: 0,
            messages: 0,
            files: 0,
        };
        self.erasures.insert(person.clone(), receipt.clone());
        receipt
    }

    /// Takes away the person's archive, and those of everybody they talk with.
    fn take_archives(&mut self, person: &UserId, at: Timestamp) {
        let mut holders = vec![person.clone()];
        for record in self.all_of(person) {
            let Parties { salon, client } = &record.head.parties;
            holders.extend([salon.clone(), client.clone()]);
        }
        for holder in holders {
            if let Some(export) = self.exports.remove(&holder) {
                self.jobs.enter(Task::DeleteObject(export.key), at);
            }
        }
    }

    fn next_to_erase(&self, person: &UserId) -> Option<ConversationId> {
        self.erasures.get(person)?;
        let mut left = self.live_of(person).filter(|record| leaves_something(record, person));
        left.next().map(|record| record.head.id.clone())
    }
}

fn leaves_something(record: &Record, person: &UserId) -> bool {
    let names = record.side_of(person) == Some(Side::Client)
        && record.posts().any(super::messages::Post::names_somebody);
    let wrote = record.posts().any(|post| post.is_by(person));
    names || wrote || record.head.subject.is_some() || record.head.status == Status::Active
}

/// Empties the oldest of the person's messages. Returns how many there were, and their files.
fn empty(record: &mut Record, erase: &EraseIn) -> (u64, Vec<Attachment>) {
    let own = record.posts().filter(|post| post.is_by(&erase.person)).map(|post| post.id.clone());
    let own: Vec<_> = own.take(erase.messages_max as usize).collect();
    let released = own.iter().filter_map(|id| record.erase(id, &erase.person, erase.at));
    let released: Vec<_> = released.flatten().collect();
    (own.len() as u64, released)
}

fn put_away(record: &mut Record, erase: &EraseIn) {
    if record.side_of(&erase.person) == Some(Side::Client) {
        record.forget_names();
    }
    if record.head.subject.is_some() || record.head.status == Status::Active {
        record.head.subject = None;
        record.head.status = Status::Archived;
        record.head.updated_at = erase.at;
        record.append(erase.at, &erase.person, Change::Updated);
    }
}

#[async_trait]
impl ExportStore for MemoryStore {
    async fn request_export(
        &self,
        person: &UserId,
        key: &ObjectKey,
        at: Timestamp,
    ) -> Result<Option<Export>, StoreError> {
        let mut state = self.state()?;
        if state.erasures.contains_key(person) {
            return Ok(None);
        }
        if let Some(known) = state.exports.get(person).filter(|known| !known.is_over(at)) {
            return Ok(Some(known.clone()));
        }
        let (person, key) = (person.clone(), key.clone());
        let export = Export { person: person.clone(), key, requested_at: at, ready: None };
        state.exports.insert(person.clone(), export.clone());
        state.jobs.enter(Task::ExportPerson(person.clone()), at);
        let subject = person.as_str().to_owned();
        state.note(Actor::Person(person), AuditAction::ExportRequested, &subject, at);
        Ok(Some(export))
    }

    async fn export(&self, person: &UserId) -> Result<Option<Export>, StoreError> {
        Ok(self.state()?.exports.get(person).cloned())
    }

    async fn finish_export(
        &self,
        person: &UserId,
        key: &ObjectKey,
        ready: &ReadyExport,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let waiting = state.exports.get_mut(person);
        let waiting = waiting.filter(|export| export.key == *key && export.ready.is_none());
        let Some(export) = waiting else { return Ok(false) };
        export.ready = Some(*ready);
        state.jobs.enter(Task::DeleteObject(key.clone()), ready.expires_at);
        state.note(Actor::Service, AuditAction::Exported, person.as_str(), ready.at);
        Ok(true)
    }
}

impl State {
    /// Notes what was done.
    pub(super) fn note(&mut self, actor: Actor, deed: AuditAction, subject: &str, at: Timestamp) {
        self.audit.push(AuditEntry { at, actor, deed, subject: subject.to_owned() });
    }

    /// The same for what brings no time: it was not before the newest entry.
    pub(super) fn note_now(&mut self, deed: AuditAction, subject: &str) {
        let at = self.audit.last().map_or(Timestamp::UNIX_EPOCH, |entry| entry.at);
        self.note(Actor::Service, deed, subject, at);
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let state = self.state()?;
        Ok(state.audit.iter().rev().take(limit as usize).cloned().collect())
    }
}
