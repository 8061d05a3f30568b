//! Erasure and export of personal data.

use std::sync::Arc;

use super::{
    erasure::Erasure,
    export::{Export, ReadyExport},
    store::{ErasureStore, ExportStore, Exporter, SessionEndStore},
};
use crate::{
    conversation::{
        attachment::ObjectKey,
        ledger::Command,
        store::{ConversationLog, unless_unknown},
    },
    ids::UserId,
    jobs::JobFailure,
    ports::{Clock, Fanout, Files, Ids, PersonChange, StoreError},
    time::Timestamp,
};

/// The most messages deleted per transaction.
const MESSAGES_MAX: u32 = 200;
/// The most transactions per attempt; the rest is left to the next attempt.
const STEPS_MAX: u32 = 10_000;

/// How far ahead of our clock the end of tokens may be, in milliseconds: as far as clocks differ.
const REVOKED_AHEAD_MAX_MS: i64 = 600_000;

/// Why tokens were not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The time is in the future: nobody could sign in until then.
    #[error("the time is in the future")]
    InFuture,
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Erasure and export of personal data. Cheap to clone.
#[derive(Clone)]
pub struct Privacy {
    store: Arc<dyn ErasureStore>,
    commits: Arc<dyn ConversationLog>,
    exports: Arc<dyn ExportStore>,
    session_ends: Arc<dyn SessionEndStore>,
    fanout: Arc<dyn Fanout>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

crate::opaque_debug!(Privacy);

impl Privacy {
    /// Creates the service.
    pub fn new(
        store: Arc<dyn ErasureStore>,
        commits: Arc<dyn ConversationLog>,
        exports: Arc<dyn ExportStore>,
        session_ends: Arc<dyn SessionEndStore>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { store, commits, exports, session_ends, fanout, clock, ids }
    }

    /// Removes a person's identity at once; a job then deletes what they wrote. Idempotent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn request_erasure(&self, person: &UserId) -> Result<Erasure, StoreError> {
        let erasure = self.store.request_erasure(person, self.clock.now()).await?;
        self.fanout.person_changed(person, PersonChange::Forgotten);
        Ok(erasure)
    }

    /// Ends the tokens of a person that were issued before `before`, or until now, and the sessions that
    /// they opened: on this node at once, on others soon. Idempotent.
    ///
    /// # Errors
    /// [`RevokeError`].
    pub async fn revoke_sessions(
        &self,
        person: &UserId,
        before: Option<Timestamp>,
    ) -> Result<(), RevokeError> {
        let now = self.clock.now();
        let before = before.unwrap_or(now);
        if before.as_millis() > now.as_millis().saturating_add(REVOKED_AHEAD_MAX_MS) {
            return Err(RevokeError::InFuture);
        }
        self.session_ends.revoke_sessions(person, before, now).await?;
        self.fanout.person_changed(person, PersonChange::Revoked(before));
        Ok(())
    }

    /// Erases a person again, completely, as an operator does after a restore.
    ///
    /// # Errors
    /// [`JobFailure`]; called again, it continues where it stopped.
    pub async fn replay_erasure(&self, person: &UserId) -> Result<Erasure, JobFailure> {
        let started = self.store.replay_erasure(person, self.clock.now()).await?;
        self.erase_person(person).await?;
        Ok(self.store.erasure(person).await?.unwrap_or(started))
    }

    /// The state of a person's erasure; `None` when it was never requested.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erasure(&self, person: &UserId) -> Result<Option<Erasure>, StoreError> {
        self.store.erasure(person).await
    }

    /// Deletes what a person left, conversation by conversation, and publishes that to the other
    /// participants.
    ///
    /// # Errors
    /// [`JobFailure`]; the next attempt continues where this one stopped.
    pub async fn erase_person(&self, person: &UserId) -> Result<(), JobFailure> {
        // It may have been requested on another node.
        self.fanout.person_changed(person, PersonChange::Forgotten);
        for _ in 0..STEPS_MAX {
            let Some(conversation) = self.store.next_to_erase(person).await? else {
                let receipt = self.store.finish_erasure(person, self.clock.now()).await?;
                if receipt.is_none_or(|receipt| receipt.finished_at.is_some()) {
                    return Ok(());
                }
                // A change that was under way has left something since.
                continue;
            };
            let command = Command::Erase { person: person.clone(), messages_max: MESSAGES_MAX };
            let (at, fanout) = (self.clock.now(), self.fanout.clone());
            let erased = self.commits.commit(&conversation, command, at, fanout).await?;
            // Deleted meanwhile, then nothing is left of the person there either.
            unless_unknown(erased)?;
        }
        Err(JobFailure::retry("much_to_erase"))
    }
}

impl Privacy {
    /// The person's archive, or, if there is none to download, a new request: a job builds it.
    /// `None` when the person is to be forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn request_export(&self, person: &UserId) -> Result<Option<Export>, StoreError> {
        let key = ObjectKey::of_archive(self.ids.next());
        self.exports.request_export(person, &key, self.clock.now()).await
    }

    /// What [`request_export`](Self::request_export) would return, without requesting anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn peek_export(&self, person: &UserId) -> Result<Option<Export>, StoreError> {
        let now = self.clock.now();
        if self.store.erasure(person).await?.is_some() {
            return Ok(None);
        }
        let current = self.exports.export(person).await?.filter(|current| !current.is_expired(now));
        Ok(Some(current.unwrap_or_else(|| Export {
            person: person.clone(),
            key: ObjectKey::of_archive(self.ids.next()),
            requested_at: now,
            ready: None,
        })))
    }

    /// Whether there is still an archive at `key` for somebody to download.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_archive(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        self.exports.has_archive(key).await
    }

    /// Builds the archive a person requested. Does nothing when there is no request (any more).
    pub(crate) async fn make_export(
        &self,
        person: &UserId,
        exporter: &dyn Exporter,
        files: &dyn Files,
    ) -> Result<(), JobFailure> {
        let Some(export) = self.exports.export(person).await? else { return Ok(()) };
        if export.ready.is_some() {
            return Ok(());
        }
        let size_bytes = exporter.write(&export).await?;
        let ready = ReadyExport::new(size_bytes, self.clock.now());
        if self.exports.finish_export(person, &export.key, &ready).await? {
            return Ok(());
        }
        // Another worker finished this archive, because we lost our lease.
        let now = self.exports.export(person).await?;
        if now.is_some_and(|now| now.key == export.key) {
            return Ok(());
        }
        // The person was forgotten or made a new request: nobody will download this archive.
        Ok(files.delete(&export.key).await?)
    }
}

#[cfg(test)]
mod tests;
