use super::Messaging;
use crate::{
    erasure::Erasure,
    id::UserId,
    job::JobFailure,
    ports::{EraseIn, StoreError},
};

/// The most messages that are emptied in one transaction.
const MESSAGES_MAX: u32 = 200;
/// The most transactions in one go; what is left then is left to the next attempt.
const STEPS_MAX: u32 = 10_000;

impl Messaging {
    /// Forgets who a person is, at once; what they wrote follows by a job. Repeated, it changes
    /// nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn request_erasure(&self, person: &UserId) -> Result<Erasure, StoreError> {
        self.store.request_erasure(person, self.clock.now()).await
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
    /// The store's.
    pub async fn erasure(&self, person: &UserId) -> Result<Option<Erasure>, StoreError> {
        self.store.erasure(person).await
    }

    /// Forgets what a person left, conversation by conversation, and tells those they talked with.
    ///
    /// # Errors
    /// [`JobFailure`]; the next attempt goes on where this one stopped.
    pub async fn erase_person(&self, person: &UserId) -> Result<(), JobFailure> {
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

#[cfg(test)]
mod tests;
