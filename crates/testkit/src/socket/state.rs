//! What a client keeps over a cut, so that the server knows it again (connection state recovery).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::time::Instant;

use crate::Fault;

/// The `pid` and the offset, handled as `socket.io-client` does. Shared by a socket and its owner.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    pid: Option<String>,
    offset: Option<String>,
}

impl Memory {
    /// Whether the server could know us again.
    pub fn is_complete(&self) -> bool {
        let state = self.state();
        state.pid.is_some() && state.offset.is_some()
    }

    /// The `auth` object of somebody who remembers this.
    pub(super) fn added_to(&self, auth: &Value) -> Value {
        let state = self.state();
        let mut auth = auth.clone();
        if let (Some(fields), Some(pid)) = (auth.as_object_mut(), &state.pid) {
            fields.insert("pid".to_owned(), Value::from(pid.as_str()));
            if let Some(offset) = &state.offset {
                fields.insert("offset".to_owned(), Value::from(offset.as_str()));
            }
        }
        auth
    }

    /// Takes notice of the `pid` in the server's answer; whether it is the one we had.
    pub(super) fn connected(&self, pid: Option<String>) -> bool {
        let mut state = self.state();
        let recovered = pid.is_some() && state.pid == pid;
        state.pid = pid;
        recovered
    }

    /// Takes notice of the last text argument of an event.
    pub(super) fn note_offset(&self, last: Option<String>) {
        let mut state = self.state();
        if state.pid.is_some() && last.is_some() {
            state.offset = last;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// What a socket receives, and how it ends or never begins.

/// An event of the server.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is called.
    pub name: String,
    /// Its first argument, or null.
    pub data: Value,
    /// When it arrived.
    pub at: Instant,
}

/// How a socket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// We left.
    Left,
    /// The server put us out of the namespace.
    PutOut,
    /// The server closed the WebSocket, with this code if it gave one.
    Closed(Option<u16>),
    /// The WebSocket broke.
    Broken,
    /// The server sent something that is no packet.
    Nonsense(String),
}

/// Why there is no socket.
#[derive(Debug)]
pub enum ConnectError {
    /// The namespace did not let us in: its `CONNECT_ERROR`.
    Refused(Value),
    /// There was no decision.
    Fault(Fault),
}

impl From<Fault> for ConnectError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ConnectError> for Fault {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Refused(reason) => Self::new(format!("the socket was refused: {reason}")),
            ConnectError::Fault(fault) => fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_server_that_gives_no_pid_is_told_nothing() {
        let memory = Memory::default();
        assert!(!memory.connected(None));
        memory.note_offset(Some("offset".to_owned()));
        assert_eq!(memory.added_to(&json!({ "token": "t" })), json!({ "token": "t" }));
    }

    #[test]
    fn the_same_pid_again_means_recovered() {
        let memory = Memory::default();
        let pid = || Some("pid".to_owned());
        assert!(!memory.connected(pid()));
        memory.note_offset(Some("one".to_owned()));
        memory.note_offset(None);
        assert!(memory.is_complete());
        assert_eq!(memory.added_to(&json!({})), json!({ "pid": "pid", "offset": "one" }));
        assert!(memory.connected(pid()));
        assert!(!memory.connected(Some("another".to_owned())));
    }
}
