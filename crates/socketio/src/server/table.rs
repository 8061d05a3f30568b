//! The sessions of a server, by the id their requests carry.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::Permit;
use crate::{engine::PollingHandle, link::SessionHandle, sid::EngineId};

/// Every session there is.
#[derive(Debug)]
pub(crate) struct Table {
    max_sessions: usize,
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<EngineId, SessionEntry>,
    shut: bool,
}

/// What is known of a session from outside.
#[derive(Clone, Debug)]
pub(crate) struct SessionEntry {
    pub(crate) link: Arc<SessionHandle>,
    /// Where requests of a session go that began with polling. One that began on a WebSocket
    /// takes none.
    pub(crate) door: Option<Arc<PollingHandle>>,
}

/// Why there can be no further session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableError {
    /// The server is stopping.
    Shut,
    /// There are as many sessions as there may be.
    Full,
}

/// A place in the table, given up when it is dropped, and the permit with it.
#[derive(Debug)]
pub(crate) struct Registration {
    table: Arc<Table>,
    id: EngineId,
    _permit: Permit,
}

impl Table {
    pub(crate) fn new(max_sessions: usize) -> Self {
        Self { max_sessions, state: Mutex::default(), emptied: Notify::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().sessions.len()
    }

    pub(crate) fn find(&self, id: &str) -> Option<SessionEntry> {
        self.lock().sessions.get(id).cloned()
    }

    /// Adds a session.
    pub(crate) fn register(
        self: &Arc<Self>,
        id: EngineId,
        seat: SessionEntry,
        permit: Permit,
    ) -> Result<Registration, TableError> {
        let mut state = self.lock();
        if state.shut {
            return Err(TableError::Shut);
        }
        if state.sessions.len() >= self.max_sessions {
            return Err(TableError::Full);
        }
        state.sessions.insert(id.clone(), seat);
        Ok(Registration { table: Arc::clone(self), id, _permit: permit })
    }

    /// Takes no more sessions, and returns those there are.
    pub(crate) fn shut(&self) -> Vec<Arc<SessionHandle>> {
        let mut state = self.lock();
        state.shut = true;
        state.sessions.values().map(|seat| Arc::clone(&seat.link)).collect()
    }

    /// Waits until there is no session.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// Every change leaves the state sound even if its thread dies halfway.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.table.lock();
        state.sessions.remove(&self.id);
        let is_empty = state.sessions.is_empty();
        drop(state);
        if is_empty {
            self.table.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, server::nothing};

    fn register(table: &Arc<Table>) -> Result<Registration, TableError> {
        let id = EngineId::random().expect("the system has randomness");
        let link = Arc::new(SessionHandle::new(&Config::default()));
        table.register(id, SessionEntry { link, door: None }, nothing())
    }

    #[test]
    fn a_full_table_takes_a_session_when_another_is_gone() {
        let table = Arc::new(Table::new(1));
        let first = register(&table).expect("room for one");
        assert_eq!(register(&table).err(), Some(TableError::Full));
        drop(first);
        assert!(register(&table).is_ok());
    }

    #[tokio::test]
    async fn a_shut_table_takes_no_more_and_empties() {
        let table = Arc::new(Table::new(9));
        let last = register(&table).expect("room");
        assert_eq!(table.shut().len(), 1);
        assert_eq!(register(&table).err(), Some(TableError::Shut));
        let leaving = async { drop(last) };
        tokio::join!(table.emptied(), leaving);
        assert_eq!(table.len(), 0);
    }
}
