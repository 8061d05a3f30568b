use async_trait::async_trait;

use super::{MemoryStore, State, messages::StoredConversation};
use crate::{
    conversation::{Parties, Side, Status, attachment::ObjectKey},
    ids::{ConversationId, UserId},
    jobs::Task,
    participant::Profile,
    ports::StoreError,
    privacy::{
        audit::{Actor, AuditAction, AuditEntry},
        erasure::Erasure,
        export::{Export, ReadyExport},
        session_end::{SessionEnd, SessionEndReason},
        store::{
            AuditStore, ErasureStore, ExportStore, ReadSessionEnds, SessionEndMark, SessionEndStore,
        },
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

    async fn finish_erasure(
        &self,
        person: &UserId,
        at: Timestamp,
    ) -> Result<Option<Erasure>, StoreError> {
        let mut state = self.state()?;
        if !state.erasures.contains_key(person) {
            return Ok(None);
        }
        state.delete_archives(person, at);
        let files = state.drop_uploads(|upload| upload.owner == *person, u32::MAX, at);
        let is_done = state.next_to_erase(person).is_none();
        let conversations = state.live_of(person).count() as u64;
        let receipt = state.erasures.get_mut(person).expect("it was just there");
        receipt.files += files;
        let is_newly_finished = is_done && receipt.finished_at.is_none();
        if is_newly_finished {
            receipt.finished_at = Some(at);
            receipt.conversations = conversations;
        }
        let receipt = receipt.clone();
        if is_newly_finished {
            let is_replayed = state.replayed.contains(person);
            let by = if is_replayed { Actor::Operator } else { Actor::Service };
            state.append_audit(by, AuditAction::Erased, person.as_str(), at);
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
        self.end_sessions(SessionEnd::of_erased(person.clone(), at));
        self.delete_archives(person, at);
        self.jobs.enqueue(Task::ErasePerson(person.clone()), at);
        self.append_audit(by, AuditAction::ErasureRequested, person.as_str(), at);
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

    /// Deletes the archives of the person and of their conversation partners.
    fn delete_archives(&mut self, person: &UserId, at: Timestamp) {
        let mut owners = vec![person.clone()];
        for record in self.all_of(person) {
            let Parties { salon, client } = &record.conversation().parties;
            owners.extend([salon.clone(), client.clone()]);
        }
        for owner in owners {
            if let Some(export) = self.exports.remove(&owner) {
                self.jobs.enqueue(Task::DeleteObject(export.key), at);
            }
        }
    }

    fn next_to_erase(&self, person: &UserId) -> Option<ConversationId> {
        self.erasures.get(person)?;
        let mut remaining = self.live_of(person).filter(|record| leaves_something(record, person));
        remaining.next().map(|record| record.conversation().id.clone())
    }
}

fn leaves_something(record: &StoredConversation, person: &UserId) -> bool {
    let names = record.side_of(person) == Some(Side::Client)
        && record.posts().any(super::messages::StoredMessage::names_somebody);
    let wrote = record.posts().any(|post| post.is_by(person));
    names
        || wrote
        || record.conversation().subject.is_some()
        || record.conversation().status == Status::Active
}

#[async_trait]
impl SessionEndStore for MemoryStore {
    async fn revoke_sessions(
        &self,
        person: &UserId,
        before: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        let reason = SessionEndReason::Revoked;
        state.end_sessions(SessionEnd { person: person.clone(), before, reason });
        let action = AuditAction::SessionsRevoked;
        state.append_audit(Actor::Service, action, person.as_str(), at);
        Ok(())
    }

    async fn session_ends(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<ReadSessionEnds, StoreError> {
        let state = self.state_in_background()?;
        let ends = state.session_ends.values().map(|(end, _)| end);
        let ends = ends.filter(|end| after.as_ref().is_none_or(|after| end.person > *after));
        Ok(state.read_session_ends(ends, limit))
    }

    async fn session_ends_since(
        &self,
        mark: &SessionEndMark,
        limit: u32,
    ) -> Result<ReadSessionEnds, StoreError> {
        let state = self.state_in_background()?;
        let mark: u64 = mark.0.parse().expect("a mark of this store");
        let ends = state.session_ends.values().filter(|(_, changed)| *changed > mark);
        Ok(state.read_session_ends(ends.map(|(end, _)| end), limit))
    }

    async fn drop_revocations(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.state_in_background()?;
        let is_old = |(end, _): &(SessionEnd, u64)| {
            end.reason == SessionEndReason::Revoked && end.before < before
        };
        let old = state.session_ends.iter().filter(|(_, end)| is_old(end));
        let old: Vec<_> = old.map(|(id, _)| id.clone()).take(limit as usize).collect();
        for person in &old {
            state.session_ends.remove(person);
        }
        Ok(old.len() as u64)
    }
}

impl State {
    fn end_sessions(&mut self, end: SessionEnd) {
        let known = self.session_ends.get(&end.person).map(|(known, _)| known.clone());
        let merged = match &known {
            None => end,
            Some(known) => SessionEnd {
                before: known.before.max(end.before),
                reason: known.reason.max(end.reason),
                ..end
            },
        };
        if known.as_ref() != Some(&merged) {
            self.session_end_changes += 1;
            self.session_ends.insert(merged.person.clone(), (merged, self.session_end_changes));
        }
    }

    fn read_session_ends<'a>(
        &self,
        ends: impl Iterator<Item = &'a SessionEnd>,
        limit: u32,
    ) -> ReadSessionEnds {
        let mark = SessionEndMark(self.session_end_changes.to_string());
        ReadSessionEnds { mark, ends: ends.take(limit as usize).cloned().collect() }
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
        if let Some(known) = state.exports.get(person).filter(|known| !known.is_expired(at)) {
            return Ok(Some(known.clone()));
        }
        let (person, key) = (person.clone(), key.clone());
        let export = Export { person: person.clone(), key, requested_at: at, ready: None };
        state.exports.insert(person.clone(), export.clone());
        state.jobs.enqueue(Task::ExportPerson(person.clone()), at);
        let subject = person.as_str().to_owned();
        state.append_audit(Actor::Person(person), AuditAction::ExportRequested, &subject, at);
        Ok(Some(export))
    }

    async fn export(&self, person: &UserId) -> Result<Option<Export>, StoreError> {
        Ok(self.state()?.exports.get(person).cloned())
    }

    async fn has_archive(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        Ok(self.state()?.exports.values().any(|export| export.key == *key))
    }

    async fn finish_export(
        &self,
        person: &UserId,
        key: &ObjectKey,
        ready: &ReadyExport,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let pending = state.exports.get_mut(person);
        let pending = pending.filter(|export| export.key == *key && export.ready.is_none());
        let Some(export) = pending else { return Ok(false) };
        export.ready = Some(*ready);
        state.jobs.enqueue(Task::DeleteObject(key.clone()), ready.expires_at);
        state.append_audit(Actor::Service, AuditAction::Exported, person.as_str(), ready.at);
        Ok(true)
    }
}

impl State {
    /// Appends to the audit log.
    pub(super) fn append_audit(
        &mut self,
        actor: Actor,
        action: AuditAction,
        subject: &str,
        at: Timestamp,
    ) {
        self.audit.push(AuditEntry { at, actor, action, subject: subject.to_owned() });
    }

    /// The same without a time: that of the newest entry.
    pub(super) fn append_audit_now(&mut self, action: AuditAction, subject: &str) {
        let at = self.audit.last().map_or(Timestamp::UNIX_EPOCH, |entry| entry.at);
        self.append_audit(Actor::Service, action, subject, at);
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let state = self.state()?;
        Ok(state.audit.iter().rev().take(limit as usize).cloned().collect())
    }
}
