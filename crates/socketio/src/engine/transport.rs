//! What carries a session. It can be replaced under a session that lives on.

use std::{fmt, sync::Arc, time::Duration};

use actix_ws::CloseCode;
use bytes::Bytes;
use bytestring::ByteString;

use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;

use super::websocket::WebSocket;
use crate::{
    frame::Frame,
    mailbox::{Refused, SessionHandle},
    namespace::DisconnectReason,
    packet::ParseError,
};

/// The live end of a session. Nothing here makes a session wait but [`next`](Self::next), which is
/// made for that.
pub(crate) trait Transport {
    /// Sends what waits, as far as there is room for it.
    ///
    /// # Errors
    /// [`Disconnected`].
    fn pump(&mut self, link: &SessionHandle) -> Result<(), Disconnected>;

    /// Sends a ping ahead of everything that waits. `false` when the client has not even taken
    /// the ones before it.
    ///
    /// # Errors
    /// [`Disconnected`].
    fn ping(&mut self) -> Result<bool, Disconnected>;

    /// Answers a WebSocket ping, where there is such a thing.
    ///
    /// # Errors
    /// [`Disconnected`].
    fn pong(&mut self, bytes: Bytes) -> Result<(), Disconnected>;

    /// Whether a ping has been promised that is not on its way yet.
    fn owes_ping(&self) -> bool;

    /// Waits until something happens. Packets of the client are left alone unless `reads`. Giving
    /// up waiting loses nothing.
    async fn next(&mut self, reads: bool) -> Incoming;

    /// Says goodbye, and forgets what cannot be sent any more.
    async fn close(self, farewell: ClosePlan, link: &SessionHandle);
}

/// A session between two transports. It may be moved to another thread.
pub(crate) trait Resumable: fmt::Debug + Send {
    /// Runs the session to its end on the transport that takes over.
    fn resume(self: Box<Self>, socket: WebSocket) -> LocalBoxFuture<'static, ()>;

    /// Ends the session: nobody takes over after all.
    fn abandon(self: Box<Self>) -> LocalBoxFuture<'static, ()>;
}

/// Where a session goes when another transport takes over.
pub(crate) type Handoff = oneshot::Sender<Box<dyn Resumable>>;

/// What a transport brought.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A whole text packet.
    Text(ByteString),
    /// A whole binary packet.
    Binary(Bytes),
    /// Something that cannot be a packet.
    Malformed(ParseError),
    /// A request the next [`pump`](Transport::pump) will see to, if the session still lives: its
    /// deadlines count to the very moment of a request.
    PollArrived,
    /// Room to send more, or time to look again.
    Nothing,
    /// A WebSocket ping, to be answered with the same bytes.
    Ping(Bytes),
    /// A WebSocket pong, which nobody asked for.
    Pong,
    /// Another transport takes over.
    Upgrade(Handoff),
    /// The client closed the transport, or left. Nothing follows.
    Closed,
    /// The transport cannot go on. Nothing follows.
    Fault(Fault),
}

impl Incoming {
    /// Whether it shows that the client is there.
    pub(crate) fn is_sign_of_life(&self) -> bool {
        match self {
            Self::Text(_)
            | Self::Binary(_)
            | Self::Malformed(_)
            | Self::PollArrived
            | Self::Ping(_)
            | Self::Pong
            | Self::Upgrade(_) => true,
            Self::Nothing | Self::Closed | Self::Fault(_) => false,
        }
    }
}

/// Why a transport cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A message longer than the limit.
    TooBig,
    /// A frame against the rules of RFC 6455, or a request against those of polling.
    Protocol,
    /// A text that is not UTF-8.
    NotText,
    /// The connection broke.
    Broken,
}

/// The connection has ended; nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disconnected;

/// How a session leaves its transport.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosePlan {
    /// What a WebSocket is closed with.
    pub(crate) code: CloseCode,
    /// Whether what waits is still sent.
    pub(crate) drains: bool,
    /// Whether it was the client that wished to end.
    pub(crate) is_clients_wish: bool,
    /// How long sending what waits may take.
    pub(crate) patience: Duration,
}

// Engine.IO by itself, for applications that want no Socket.IO on it.

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
