//! The client's state for connection state recovery, and the events and ends of a socket.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::time::Instant;

use crate::Fault;

/// The `pid` and the offset, handled as `socket.io-client` does. Shared by a socket and its owner.
#[derive(Clone, Debug, Default)]
pub struct RecoveryState(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    pid: Option<String>,
    offset: Option<String>,
}

impl RecoveryState {
    /// Whether it has what the server needs to recover the session.
    pub fn is_complete(&self) -> bool {
        let state = self.state();
        state.pid.is_some() && state.offset.is_some()
    }

    /// The `auth` object, extended by `pid` and offset.
    pub(super) fn extend_auth(&self, auth: &Value) -> Value {
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

    /// Stores the `pid` of the server's reply. Returns whether it is the same as before: recovered.
    pub(super) fn connected(&self, pid: Option<String>) -> bool {
        let mut state = self.state();
        let recovered = pid.is_some() && state.pid == pid;
        state.pid = pid;
        recovered
    }

    /// Stores the last argument of an event as its offset, if it is a string.
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

// Events, and the ends of a socket.

/// An event from the server.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its first argument, or null.
    pub data: Value,
    /// When it arrived.
    pub at: Instant,
}

/// How a socket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The client closed it.
    Left,
    /// The server disconnected it from the namespace.
    Disconnected,
    /// The server closed the WebSocket, with this code if it gave one.
    Closed(Option<u16>),
    /// The WebSocket broke.
    Broken,
    /// The server sent an invalid packet.
    ProtocolError(String),
}

/// Why there is no socket.
#[derive(Debug)]
pub enum ConnectError {
    /// The namespace refused the connection: its `CONNECT_ERROR`.
    Refused(Value),
    /// No reply was received.
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
    fn a_server_that_gives_no_pid_is_sent_nothing() {
        let recovery = RecoveryState::default();
        assert!(!recovery.connected(None));
        recovery.note_offset(Some("offset".to_owned()));
        assert_eq!(recovery.extend_auth(&json!({ "token": "t" })), json!({ "token": "t" }));
    }

    #[test]
    fn the_same_pid_again_means_recovered() {
        let recovery = RecoveryState::default();
        let pid = || Some("pid".to_owned());
        assert!(!recovery.connected(pid()));
        recovery.note_offset(Some("one".to_owned()));
        recovery.note_offset(None);
        assert!(recovery.is_complete());
        assert_eq!(recovery.extend_auth(&json!({})), json!({ "pid": "pid", "offset": "one" }));
        assert!(recovery.connected(pid()));
        assert!(!recovery.connected(Some("another".to_owned())));
    }
}
