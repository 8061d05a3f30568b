//! Erasing and exporting what is known of somebody.

use std::sync::Arc;

use super::{
    erasure::Erasure,
    export::{Export, ReadyExport},
    store::{EraseIn, ErasureStore, ExportStore, Exporter},
};
use crate::{
    conversation::attachment::ObjectKey,
    ids::UserId,
    jobs::JobFailure,
    ports::{Clock, Fanout, Files, Ids, PersonChange, StoreError},
};

/// The most messages that are emptied in one transaction.
const MESSAGES_MAX: u32 = 200;
/// The most transactions in one go; what is left then is left to the next attempt.
const STEPS_MAX: u32 = 10_000;

/// Erasing and exporting what is known of somebody. Cheap to clone.
#[derive(Clone)]
pub struct Privacy {
    store: Arc<dyn ErasureStore>,
    exports: Arc<dyn ExportStore>,
    fanout: Arc<dyn Fanout>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

crate::opaque_debug!(Privacy);

impl Privacy {
    /// Puts the service together.
    pub fn new(
        store: Arc<dyn ErasureStore>,
        exports: Arc<dyn ExportStore>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { store, exports, fanout, clock, ids }
    }

    /// Forgets who a person is, at once; what they wrote follows by a job. Repeated, it changes
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn request_erasure(&self, person: &UserId) -> Result<Erasure, StoreError> {
        let erasure = self.store.request_erasure(person, self.clock.now()).await?;
        self.fanout.person_changed(person, PersonChange::Forgotten);
        Ok(erasure)
    }

    /// Forgets a person again, to the end, as an operator does after a restore.
    ///
    /// # Errors
    /// [`JobFailure`]; called again, it goes on where it stopped.
    pub async fn replay_erasure(&self, person: &UserId) -> Result<Erasure, JobFailure> {
        let begun = self.store.replay_erasure(person, self.clock.now()).await?;
        self.erase_person(person).await?;
        Ok(self.store.erasure(person).await?.unwrap_or(begun))
    }

    /// How far the forgetting of a person is; `None` when nobody asked for it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erasure(&self, person: &UserId) -> Result<Option<Erasure>, StoreError> {
        self.store.erasure(person).await
    }

    /// Forgets what a person left, conversation by conversation, and tells those they talked with.
    ///
    /// # Errors
    /// [`JobFailure`]; the next attempt goes on where this one stopped.
    pub async fn erase_person(&self, person: &UserId) -> Result<(), JobFailure> {
        // It may have been requested on another node.
        self.fanout.person_changed(person, PersonChange::Forgotten);
        for _ in 0..STEPS_MAX {
            let Some(conversation) = self.store.next_to_erase(person).await? else {
                self.store.finish_erasure(person, self.clock.now()).await?;
                return Ok(());
            };
            let turn = self.fanout.turn(&conversation).await;
            let erase = EraseIn {
                person: person.clone(),
                conversation,
                messages_max: MESSAGES_MAX,
                at: self.clock.now(),
            };
            turn.publish(self.store.erase_in(&erase).await?);
        }
        Err(JobFailure::retry("much_to_erase"))
    }
}

impl Privacy {
    /// The person's archive, or, when they have none that can be fetched, the wish for one: a job
    /// makes it. `None` when the person is to be forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn my_export(&self, person: &UserId) -> Result<Option<Export>, StoreError> {
        let key = ObjectKey::of_archive(self.ids.next());
        self.exports.request_export(person, &key, self.clock.now()).await
    }

    /// What [`my_export`](Self::my_export) would answer, for somebody who only looks: nothing is
    /// asked for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn peek_export(&self, person: &UserId) -> Result<Option<Export>, StoreError> {
        let now = self.clock.now();
        if self.store.erasure(person).await?.is_some() {
            return Ok(None);
        }
        let known = self.exports.export(person).await?.filter(|known| !known.is_over(now));
        Ok(Some(known.unwrap_or_else(|| Export {
            person: person.clone(),
            key: ObjectKey::of_archive(self.ids.next()),
            requested_at: now,
            ready: None,
        })))
    }

    /// Makes the archive that a person waits for. Nothing happens when they do not (any more).
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
        // Somebody else finished this very one meanwhile, because we were slower than our lease.
        let now = self.exports.export(person).await?;
        if now.is_some_and(|now| now.key == export.key) {
            return Ok(());
        }
        // They were forgotten meanwhile, or asked again: nobody will ever fetch this one.
        Ok(files.delete(&export.key).await?)
    }
}

#[cfg(test)]
mod tests;
