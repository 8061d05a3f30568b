use async_trait::async_trait;

use super::{MemoryStore, state::State};
use crate::{
    audit::{Actor, AuditAction, AuditEntry},
    ports::{AuditStore, StoreError},
    time::Timestamp,
};

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
