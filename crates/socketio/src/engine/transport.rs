//! The transport of a session. A session can be upgraded from one transport to another.

use std::{fmt, sync::Arc, time::Duration};

use actix_ws::CloseCode;
use bytes::Bytes;
use bytestring::ByteString;

use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;

use super::websocket::WebSocket;
use crate::{
    frame::Frame,
    mailbox::{PostError, SessionHandle},
    namespace::DisconnectReason,
    packet::ParseError,
};

/// The active transport of a session. Only [`next`](Self::next) and [`close`](Self::close) wait.
pub(crate) trait Transport {
    /// Sends queued frames as far as the transport has capacity.
    ///
    /// # Errors
    /// [`Disconnected`].
    fn pump(&mut self, session: &SessionHandle) -> Result<(), Disconnected>;

    /// Bounds the messages that are read from now on.
    fn bound_messages(&mut self, _max_bytes: usize) {}

    /// Sends a ping ahead of all queued frames. `false` when the client has not read the previous
    /// pings either.
    ///
    /// # Errors
    /// [`Disconnected`].
    fn ping(&mut self) -> Result<bool, Disconnected>;

    /// Answers a WebSocket ping; polling has none.
    ///
    /// # Errors
    /// [`Disconnected`].
    fn pong(&mut self, bytes: Bytes) -> Result<(), Disconnected>;

    /// Whether an accepted ping has not been sent yet.
    fn has_pending_ping(&self) -> bool;

    /// Waits for the next thing to happen. Reads packets of the client only if `reads`.
    /// Cancellation-safe.
    async fn next(&mut self, reads: bool) -> Incoming;

    /// Closes the transport, and discards the frames that cannot be sent any more.
    async fn close(self, plan: ClosePlan, session: &SessionHandle);
}

/// A session between two transports. It may move to another thread.
pub(crate) trait Resumable: fmt::Debug + Send {
    /// Runs the session on its new transport until it ends.
    fn resume(self: Box<Self>, socket: WebSocket) -> LocalBoxFuture<'static, ()>;

    /// Ends the session, because the new transport is gone.
    fn abandon(self: Box<Self>) -> LocalBoxFuture<'static, ()>;
}

/// Where a session is sent when it is upgraded to another transport.
pub(crate) type Handoff = oneshot::Sender<Box<dyn Resumable>>;

/// An event of a transport.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A whole text packet.
    Text(ByteString),
    /// A whole binary packet.
    Binary(Bytes),
    /// The beginning of a text packet that is longer than an event may be, and its length.
    CutText { head: ByteString, bytes: usize },
    /// A binary packet that is longer than an event may be, by its length.
    CutBinary { bytes: usize },
    /// Data that is not a valid packet.
    Malformed(ParseError),
    /// A polling request, applied by the next [`pump`](Transport::pump). The session checks its
    /// deadlines first: a request after a deadline is refused.
    PollArrived,
    /// Capacity to send more, or a timeout of the transport.
    Nothing,
    /// A WebSocket ping, to be answered with the same bytes.
    Ping(Bytes),
    /// An unsolicited WebSocket pong.
    Pong,
    /// The session is upgraded to another transport.
    Upgrade(Handoff),
    /// The client closed the transport or disconnected. No event follows.
    Closed,
    /// The transport failed. No event follows.
    Fault(Fault),
}

impl Incoming {
    /// Whether it shows that the client is alive.
    pub(crate) fn is_sign_of_life(&self) -> bool {
        match self {
            Self::Text(_)
            | Self::Binary(_)
            | Self::CutText { .. }
            | Self::CutBinary { .. }
            | Self::Malformed(_)
            | Self::PollArrived
            | Self::Ping(_)
            | Self::Pong
            | Self::Upgrade(_) => true,
            Self::Nothing | Self::Closed | Self::Fault(_) => false,
        }
    }
}

/// Why a transport failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A message longer than the limit.
    TooBig,
    /// A frame that violates RFC 6455, or a request that violates the polling protocol.
    Protocol,
    /// A text message that is not valid UTF-8.
    NotText,
    /// The connection failed.
    Broken,
}

/// The connection has ended; nothing more can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disconnected;

/// How to close the transport of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosePlan {
    /// The close code for a WebSocket.
    pub(crate) code: CloseCode,
    /// Whether queued frames are still sent.
    pub(crate) drains: bool,
    /// Whether the client asked to close.
    pub(crate) is_client_close: bool,
    /// How long sending the queued frames may take.
    pub(crate) timeout: Duration,
}

// Bare Engine.IO, for applications without Socket.IO.

/// An application directly on Engine.IO: messages without namespaces, events or acknowledgements.
pub trait EngineApplication: Send + Sync + 'static {
    /// Called when a session has opened. Messages sent on `socket` follow the OPEN packet.
    fn open(&self, socket: EngineSocket) -> Box<dyn EngineHandler>;
}

/// Handles the messages of one session. Its methods block the session, so longer work belongs in a
/// task of its own. A panic ends the session without [`closed`](Self::closed).
pub trait EngineHandler: Send {
    /// Handles one message. Messages come in order of arrival.
    fn message(&mut self, message: EngineMessage);

    /// The last call: the session has ended.
    fn closed(self: Box<Self>, reason: DisconnectReason);
}

/// One message, in either direction. `Debug` hides its content.
#[derive(Clone, PartialEq, Eq)]
pub enum EngineMessage {
    /// A text.
    Text(String),
    /// Bytes.
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

/// The handle to one session. Cheap to clone, usable from any thread, and never blocks.
#[derive(Clone, Debug)]
pub struct EngineSocket {
    session: Arc<SessionHandle>,
}

impl EngineSocket {
    pub(crate) fn new(session: Arc<SessionHandle>) -> Self {
        Self { session }
    }

    /// Sends one message. `false` when the session has ended; it also ends now if the mailbox is
    /// full because the client reads too slowly.
    #[must_use = "a message that was not taken is lost"]
    pub fn send(&self, message: EngineMessage) -> bool {
        let frame = match message {
            EngineMessage::Text(text) => Frame::of_text("/".into(), format!("4{text}"), Vec::new()),
            EngineMessage::Binary(bytes) => Frame::of_bytes(bytes),
        };
        match self.session.send(frame) {
            Ok(()) => true,
            Err(PostError::Closed | PostError::Dropped | PostError::Full) => false,
        }
    }

    /// Ends the session after the queued messages are sent.
    pub fn close(&self) {
        self.session.end(DisconnectReason::ServerNamespaceDisconnect);
    }
}
