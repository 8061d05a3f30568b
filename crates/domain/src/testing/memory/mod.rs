//! A store that forgets everything at the end of a test, and keeps the
//! [`contract`](super::contract) until then.

mod appointments;
mod audit;
mod conversations;
mod erasures;
mod exports;
mod fault;
mod jobs;
mod log;
mod mail_store;
mod mails;
mod messages;
mod page;
mod participants;
mod preferences;
#[cfg(test)]
mod properties;
mod reading;
mod record;
mod reports;
mod retention;
mod state;
mod uploads;
mod views;

use std::sync::{Mutex, MutexGuard, PoisonError};

use self::{fault::Faults, state::State};
use crate::ports::StoreError;

/// A store in memory. One call after another has it for itself.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    faults: Mutex<Faults>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next call fails with `error` and changes nothing. Called several times, as many calls
    /// fail, in that order.
    pub fn fail_next(&self, error: StoreError) {
        locked(&self.faults).fail_next(error);
    }

    /// From now on every call fails with [`StoreError::Unavailable`] and changes nothing, or works
    /// again.
    pub fn set_unavailable(&self, unavailable: bool) {
        locked(&self.faults).set_unavailable(unavailable);
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        locked(&self.faults).check()?;
        Ok(locked(&self.state))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};

    use super::*;

    fn make() -> Ready<Box<MemoryStore>> {
        ready(Box::new(MemoryStore::new()))
    }

    crate::store_contract!(make);
}
