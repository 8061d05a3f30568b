//! A WebSocket on its way to take over from polling.

use std::{sync::Arc, time::Duration};

use super::Session;
use crate::engine::{
    Incoming, PROBE_ANSWER, PROBE_QUESTION, PollingHandle, Transport as _, UPGRADE,
    websocket::WebSocket,
};

/// Leads `socket` through the probe, and runs the session on it from then on. Whatever goes wrong
/// before that closes the WebSocket, and leaves the session where it is.
pub(crate) async fn upgrade(door: Arc<PollingHandle>, mut socket: WebSocket, timeout_ms: u64) {
    let passed = tokio::select! {
        passed = tokio::time::timeout(Duration::from_millis(timeout_ms), probe(&door, &mut socket)) => {
            passed.unwrap_or(false)
        }
        () = door.closed() => false,
    };
    // Once asked to move, the session must not be let go of.
    let session = if passed { door.upgrade().await } else { None };
    if let Some(session) = session {
        Session::run(session, socket).await;
    } else {
        socket.reject();
        door.probed(false).await;
    }
}

/// Whether the WebSocket said all that it must, in order.
async fn probe(door: &PollingHandle, socket: &mut WebSocket) -> bool {
    if !says(socket, PROBE_QUESTION).await || socket.say(PROBE_ANSWER).is_err() {
        return false;
    }
    door.probed(true).await;
    says(socket, UPGRADE).await
}

/// Whether the next packet is `expected`.
async fn says(socket: &mut WebSocket, expected: &str) -> bool {
    loop {
        match socket.next(true).await {
            Incoming::Text(text) => return text == expected,
            Incoming::Ping(bytes) => {
                if socket.pong(bytes).is_err() {
                    return false;
                }
            }
            Incoming::Pong | Incoming::Nothing => {}
            _ => return false,
        }
    }
}
