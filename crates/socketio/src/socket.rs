//! The application's handle to one client in one namespace.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    frame::Frame,
    mailbox::{Delivery, Key, PostError, SessionHandle},
    namespace::DisconnectReason,
    packet::{ack_text, kept_members},
    sid::SocketId,
};

/// One client in one namespace. Cheap to clone, usable from any thread, and never blocks.
///
/// It may outlive the connection; sending then fails with [`EmitError::Closed`].
#[derive(Clone)]
pub struct Socket {
    inner: Arc<Inner>,
}

struct Inner {
    id: SocketId,
    namespace: Arc<str>,
    key: Key,
    session: Arc<SessionHandle>,
}

/// Why a frame was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket is disconnected.
    #[error("the socket is disconnected")]
    Closed,
    /// The client is behind, so the volatile frame was dropped.
    #[error("the client is behind; the frame was dropped")]
    Dropped,
    /// The client is too far behind. Its session ends with
    /// [`DisconnectReason::SlowReader`](crate::DisconnectReason::SlowReader).
    #[error("the client is too far behind; its session ends")]
    SlowReader,
    /// The frame was made for another namespace.
    #[error("the frame belongs to another namespace")]
    ForeignNamespace,
    /// The argument cannot be serialized as JSON, or the event name is reserved.
    #[error("the event could not be encoded")]
    Encode(#[from] serde_json::Error),
}

impl Socket {
    pub(crate) fn new(
        id: SocketId,
        namespace: Arc<str>,
        key: Key,
        session: Arc<SessionHandle>,
    ) -> Self {
        Self { inner: Arc::new(Inner { id, namespace, key, session }) }
    }

    /// The socket id. A recovered client keeps its previous id instead; see [`Accepted::recovered`].
    ///
    /// [`Accepted::recovered`]: crate::Accepted::recovered
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

    /// Sends a frame that must not be lost: if the mailbox is full, the session ends.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn send(&self, frame: &Frame) -> Result<(), EmitError> {
        self.post(frame, Delivery::Durable)
    }

    /// Sends a frame that may be lost: it is dropped if the client is behind.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn send_volatile(&self, frame: &Frame) -> Result<(), EmitError> {
        self.post(frame, Delivery::Volatile)
    }

    /// Sends an answer to an event of this socket. Answers are exempt from the bounds of the
    /// mailbox: the application must bound the answers to one event. While the queued answers exceed
    /// those bounds, the session's next event is not handled; a client that does not read its
    /// answers then fails its heartbeat. Acknowledgements are sent as answers.
    ///
    /// # Errors
    /// See [`EmitError`].
    pub fn send_answer(&self, frame: &Frame) -> Result<(), EmitError> {
        self.post(frame, Delivery::Answer)
    }

    /// The time since anything last arrived from the client: an event, a pong, or a request, on any
    /// transport. While the session does not read because its inbox is full, the client counts as
    /// active.
    pub fn silent_for(&self) -> Duration {
        self.inner.session.silent_for()
    }

    /// Disconnects this socket. The client gets a DISCONNECT and does not reconnect by itself; its
    /// other namespaces stay connected. While its CONNECT is pending, this takes effect right after
    /// the reply.
    pub fn disconnect(&self) {
        self.inner.session.disconnect(self.inner.key);
    }

    /// Disconnects every socket of this client's session, then closes the connection.
    pub fn close_session(&self) {
        self.inner.session.disconnect_all();
    }

    /// Ends this client's session as after a panic of its handler: without a DISCONNECT, so that the client
    /// reconnects.
    pub fn fail_session(&self) {
        self.inner.session.end(DisconnectReason::HandlerPanicked);
    }

    pub(crate) fn shared_namespace(&self) -> Arc<str> {
        Arc::clone(&self.inner.namespace)
    }

    /// Whether the next event may be handled; if not, earlier answers must be sent first.
    pub(crate) fn has_answer_room(&self) -> bool {
        self.inner.session.has_answer_room()
    }

    pub(crate) fn key(&self) -> Key {
        self.inner.key
    }

    fn post(&self, frame: &Frame, delivery: Delivery) -> Result<(), EmitError> {
        if frame.namespace() != &*self.inner.namespace {
            return Err(EmitError::ForeignNamespace);
        }
        self.inner.session.post(self.inner.key, frame.clone(), delivery).map_err(
            |error| match error {
                PostError::Closed => EmitError::Closed,
                PostError::Dropped => EmitError::Dropped,
                PostError::Full => EmitError::SlowReader,
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

// Received events and their acknowledgements.

/// An event from a client. `Debug` hides its arguments.
pub struct Event {
    /// The name of the event.
    pub name: String,
    /// The arguments: valid JSON, unparsed. Their nesting is bounded only by the packet size, so
    /// parse them with a depth limit, as `serde_json` does.
    pub args: Vec<Box<RawValue>>,
    /// The attachments, indexed by the numbers of the placeholders in `args`.
    pub attachments: Vec<Bytes>,
    /// Sends the acknowledgement, if the client wants one.
    pub ack: Option<Acknowledger>,
    /// Why the event was not kept. Of its arguments there is then at most an object with
    /// [`Config::kept_event_members`](crate::Config::kept_event_members), and no attachment.
    pub not_kept: Option<NotKept>,
    /// The bytes that the client sent.
    pub bytes: usize,
    /// The room that [`Intake::make_room`](crate::Intake::make_room) made for the event. To be held until the
    /// event is handled.
    pub room: Option<EventRoom>,
}

/// Why an event was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// It is larger than [`Config::max_event_bytes`](crate::Config::max_event_bytes).
    TooLarge,
    /// [`Intake::make_room`](crate::Intake::make_room) made no room for it.
    NoRoom,
}

/// Room for one event. Dropping it gives the room back.
pub type EventRoom = Box<dyn Any + Send>;

/// What an argument takes beside its text, in bytes.
const ARGUMENT_OVERHEAD_BYTES: usize = 48;

/// What an event takes beside its name and arguments, in bytes.
const EVENT_OVERHEAD_BYTES: usize = 256;

impl Event {
    /// Approximate memory use in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        let args = self.args.iter().map(|arg| arg.get().len() + ARGUMENT_OVERHEAD_BYTES);
        let args: usize = args.sum();
        let attachments: usize = self.attachments.iter().map(Bytes::len).sum();
        EVENT_OVERHEAD_BYTES + self.name.len() + args + attachments
    }

    /// Drops what the event says, but for `kept` members.
    pub(crate) fn empty(&mut self, why: NotKept, kept: &[&str]) {
        self.args = kept_members(&self.args, kept);
        self.attachments = Vec::new();
        self.not_kept = Some(why);
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("args", &self.args.len())
            .field("attachments", &self.attachments.len())
            .field("ack", &self.ack.is_some())
            .finish_non_exhaustive()
    }
}

/// Acknowledges one event, at most once. Dropping it sends nothing.
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

    /// Sends the acknowledgement with one argument.
    ///
    /// # Errors
    /// See [`EmitError`]; the acknowledgement is then lost.
    pub fn send(self, arg: &impl Serialize) -> Result<(), EmitError> {
        self.answer(&[arg], Vec::new())
    }

    /// Sends the acknowledgement with arguments that are JSON already, and the attachments their
    /// placeholders refer to.
    ///
    /// # Errors
    /// See [`EmitError`]; the acknowledgement is then lost.
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
