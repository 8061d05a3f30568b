use super::Messaging;
use crate::{
    export::{Export, ReadyExport},
    id::UserId,
    job::JobFailure,
    object::ObjectKey,
    ports::{Exporter, Files, StoreError},
};

impl Messaging {
    /// The person's archive, or, when they have none that can be fetched, the wish for one: a job
    /// makes it. `None` when the person is to be forgotten.
    ///
    /// # Errors
    /// The store's.
    pub async fn my_export(&self, person: &UserId) -> Result<Option<Export>, StoreError> {
        let key = ObjectKey::of_archive(self.ids.next());
        self.store.request_export(person, &key, self.clock.now()).await
    }

    /// What [`my_export`](Self::my_export) would answer, for somebody who only looks: nothing is
    /// asked for.
    ///
    /// # Errors
    /// The store's.
    pub async fn peek_export(&self, person: &UserId) -> Result<Option<Export>, StoreError> {
        let now = self.clock.now();
        if self.store.erasure(person).await?.is_some() {
            return Ok(None);
        }
        let known = self.store.export(person).await?.filter(|known| !known.is_over(now));
        Ok(Some(known.unwrap_or_else(|| Export {
            person: person.clone(),
            key: ObjectKey::of_archive(self.ids.next()),
            requested_at: now,
            ready: None,
        })))
    }

    /// Makes the archive that a person waits for. Nothing happens when they do not (any more).
    pub(super) async fn make_export(
        &self,
        person: &UserId,
        exporter: &dyn Exporter,
        files: &dyn Files,
    ) -> Result<(), JobFailure> {
        let Some(export) = self.store.export(person).await? else { return Ok(()) };
        if export.ready.is_some() {
            return Ok(());
        }
        let size_bytes = exporter.write(&export).await?;
        let ready = ReadyExport::new(size_bytes, self.clock.now());
        if self.store.finish_export(person, &export.key, &ready).await? {
            return Ok(());
        }
        // Somebody else finished this very one meanwhile, because we were slower than our lease.
        let now = self.store.export(person).await?;
        if now.is_some_and(|now| now.key == export.key) {
            return Ok(());
        }
        // They were forgotten meanwhile, or asked again: nobody will ever fetch this one.
        Ok(files.delete(&export.key).await?)
    }
}

#[cfg(test)]
mod tests;
