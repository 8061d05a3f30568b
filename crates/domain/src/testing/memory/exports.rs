use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    audit::{Actor, AuditAction},
    export::{Export, ReadyExport},
    id::UserId,
    job::Task,
    object::ObjectKey,
    ports::{ExportStore, StoreError},
    time::Timestamp,
};

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
