//! One client in one namespace, as the application holds it.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    frame::Frame,
    mailbox::{Delivery, Key, Refused, SessionHandle},
    packet::ack_text,
    sid::SocketId,
};

/// A client in a namespace. Cheap to clone, and to be used from any thread; it never waits.
///
/// It may outlive the connection. Sending then fails with [`EmitError::Closed`].
#[derive(Clone)]
pub struct Socket {
    inner: Arc<Inner>,
}

struct Inner {
    id: SocketId,
    namespace: Arc<str>,
    key: Key,
    link: Arc<SessionHandle>,
}

/// Why something was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket is disconnected.
    #[error("the socket is disconnected")]
    Closed,
    /// The client is behind, and this was sent as volatile.
    #[error("the client is behind; the frame was dropped")]
    Dropped,
    /// The client is too far behind. Its session ends with
    /// [`DisconnectReason::SlowReader`](crate::DisconnectReason::SlowReader).
    #[error("the client is too far behind; its session ends")]
    SlowReader,
    /// The frame was made for another namespace.
    #[error("the frame belongs to another namespace")]
    ForeignNamespace,
    /// There is no JSON form, or the event's name is reserved.
    #[error("the event could not be encoded")]
    Encode(#[from] serde_json::Error),
}

impl Socket {
    pub(crate) fn new(
        id: SocketId,
        namespace: Arc<str>,
        key: Key,
        link: Arc<SessionHandle>,
    ) -> Self {
        Self { inner: Arc::new(Inner { id, namespace, key, link }) }
    }

    /// The id the client knows itself by.
    pub fn id(&self) -> &SocketId {
        &self.inner.id
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// Sends an event with one argument.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn emit(&self, event: &str, arg: &impl Serialize) -> Result<(), EmitError> {
        self.send(&Frame::new(&self.inner.namespace, event, arg)?)
    }

    /// Sends a frame that must not be lost: if there is no room for it, the session ends.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn send(&self, frame: &Frame) -> Result<(), EmitError> {
        self.post(frame, Delivery::Durable)
    }

    /// Sends a frame that may be lost: a client that is behind is spared it.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn send_volatile(&self, frame: &Frame) -> Result<(), EmitError> {
        self.post(frame, Delivery::Volatile)
    }

    /// Sends what an event of this socket asked for. It is no backlog, and so exempt from the bounds
    /// of the mailbox: the application bounds what one event is answered with. While more of it
    /// waits than the mailbox may hold besides, the session's next event is not handled; a client
    /// that does not take its answers then ends by its heartbeat. Acknowledgements are such answers
    /// by themselves.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn send_answer(&self, frame: &Frame) -> Result<(), EmitError> {
        self.post(frame, Delivery::Answer)
    }

    /// How long nothing has arrived from the client: no event, no pong, no request of any kind, on
    /// whichever transport. While so much waits for its handlers that it is not read, a client does
    /// not count as silent.
    pub fn silent_for(&self) -> Duration {
        self.inner.link.silent_for()
    }

    /// Disconnects this socket. The client is told and does not come back by itself; its other
    /// namespaces stay. Before its CONNECT is answered, this takes effect right after the answer.
    pub fn disconnect(&self) {
        self.inner.link.dismiss(self.inner.key);
    }

    /// Disconnects every socket of this client's session, then closes the connection.
    pub fn close_session(&self) {
        self.inner.link.dismiss_all();
    }

    pub(crate) fn shared_namespace(&self) -> Arc<str> {
        Arc::clone(&self.inner.namespace)
    }

    /// Whether the next event may be handled, or answers to those before have to leave first.
    pub(crate) fn takes_events(&self) -> bool {
        self.inner.link.takes_events()
    }

    pub(crate) fn key(&self) -> Key {
        self.inner.key
    }

    fn post(&self, frame: &Frame, worth: Delivery) -> Result<(), EmitError> {
        if frame.namespace() != &*self.inner.namespace {
            return Err(EmitError::ForeignNamespace);
        }
        self.inner.link.post(self.inner.key, frame.clone(), worth).map_err(
            |refused| match refused {
                Refused::Closed => EmitError::Closed,
                Refused::Dropped => EmitError::Dropped,
                Refused::Full => EmitError::SlowReader,
            },
        )
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.inner.id)
            .field("namespace", &self.inner.namespace)
            .finish_non_exhaustive()
    }
}

// What a client said, and the answer to it.

/// An event from a client. `Debug` hides its arguments.
pub struct Event {
    /// The name of the event.
    pub name: String,
    /// The arguments: valid JSON, as the client wrote it. Nesting is bounded by the size of a packet
    /// alone, so parse with a bound, as `serde_json` does.
    pub args: Vec<Box<RawValue>>,
    /// The buffers that placeholders in `args` stand for, by number.
    pub attachments: Vec<Bytes>,
    /// Where the answer goes, when the client wants one.
    pub ack: Option<Acknowledger>,
}

impl Event {
    /// What it holds in memory, roughly, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        let args: usize = self.args.iter().map(|arg| arg.get().len()).sum();
        let attachments: usize = self.attachments.iter().map(Bytes::len).sum();
        self.name.len() + args + attachments
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("args", &self.args.len())
            .field("attachments", &self.attachments.len())
            .field("ack", &self.ack.is_some())
            .finish()
    }
}

/// Answers one event, at most once. Dropping it leaves the event unanswered.
#[derive(Debug)]
#[must_use = "a client that asks for an answer waits for it"]
pub struct Acknowledger {
    socket: Socket,
    id: u64,
}

impl Acknowledger {
    pub(crate) fn new(socket: Socket, id: u64) -> Self {
        Self { socket, id }
    }

    /// Answers with one argument.
    ///
    /// # Errors
    /// See [`EmitError`]; the answer is then lost.
    pub fn send(self, arg: &impl Serialize) -> Result<(), EmitError> {
        self.answer(&[arg], Vec::new())
    }

    /// Answers with any number of arguments that are JSON already, and the attachments their
    /// placeholders stand for.
    ///
    /// # Errors
    /// See [`EmitError`]; the answer is then lost.
    pub fn send_raw(
        self,
        args: &[Box<RawValue>],
        attachments: Vec<Bytes>,
    ) -> Result<(), EmitError> {
        self.answer(args, attachments)
    }

    fn answer(self, args: &[impl Serialize], attachments: Vec<Bytes>) -> Result<(), EmitError> {
        let namespace = self.socket.shared_namespace();
        let text = ack_text(&namespace, self.id, args, attachments.len())?;
        self.socket.send_answer(&Frame::of_text(namespace, text, attachments))
    }
}
