//! Engine.IO by itself, for applications that want no Socket.IO on it.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{frame::Frame, link::SessionHandle, mailbox::Refused, reason::DisconnectReason};

/// An application directly on Engine.IO: messages, without namespaces, events or answers.
pub trait EngineApplication: Send + Sync + 'static {
    /// Meets a session that has just opened. What is sent on `socket` follows the opening.
    fn open(&self, socket: EngineSocket) -> Box<dyn EngineHandler>;
}

/// Handles what one session says. Its calls hold up the session, so they must not wait; work that
/// takes time belongs into a task. A panic costs the session, and with it the last call.
pub trait EngineHandler: Send {
    /// Takes one message, in order of arrival.
    fn message(&mut self, message: EngineMessage);

    /// The last call: the session has ended.
    fn closed(self: Box<Self>, reason: DisconnectReason);
}

/// One message, either way. `Debug` hides what it says.
#[derive(Clone, PartialEq, Eq)]
pub enum EngineMessage {
    /// A text.
    Text(String),
    /// A buffer.
    Binary(Bytes),
}

impl fmt::Debug for EngineMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Binary(_) => "Binary(…)",
        })
    }
}

/// The way back to one session. Cheap to clone, and to be used from any thread; it never waits.
#[derive(Clone, Debug)]
pub struct EngineSocket {
    link: Arc<SessionHandle>,
}

impl EngineSocket {
    pub(crate) fn new(link: Arc<SessionHandle>) -> Self {
        Self { link }
    }

    /// Sends one message. `false` when the session is over; it also ends when there is no room,
    /// for a client that reads too slowly.
    #[must_use = "a message that was not taken is lost"]
    pub fn send(&self, message: EngineMessage) -> bool {
        let frame = match message {
            EngineMessage::Text(text) => Frame::of_text("/".into(), format!("4{text}"), Vec::new()),
            EngineMessage::Binary(bytes) => Frame::of_bytes(bytes),
        };
        match self.link.send(frame) {
            Ok(()) => true,
            Err(Refused::Closed | Refused::Dropped | Refused::Full) => false,
        }
    }

    /// Ends the session, once what waits is sent.
    pub fn close(&self) {
        self.link.end(DisconnectReason::ServerNamespaceDisconnect);
    }
}
