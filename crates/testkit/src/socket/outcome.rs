//! What a socket hears, and how it ends or never begins.

use serde_json::Value;
use tokio::time::Instant;

use crate::Fault;

/// Something the server told us of its own accord.
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
pub enum Ending {
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
