//! The interface an application implements: namespaces, handlers and the answer to a CONNECT.

use std::{any::Any, fmt, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    frame::Frame,
    socket::{Event, EventRoom, Socket},
};

/// A value of the application that is kept as long as the session.
pub(crate) type Permit = Arc<dyn Any + Send + Sync>;

/// A namespace: accepts or refuses clients that send a CONNECT for it.
#[async_trait]
pub trait Namespace: Send + Sync + 'static {
    /// Decides on one CONNECT. The client gets no reply before this returns; frames sent on
    /// `socket` in the meantime are queued behind the reply. Heartbeat and other namespaces of the
    /// session keep running.
    ///
    /// If the session ends first, this future still runs to completion, and the handler it returns
    /// gets [`disconnected`](Handler::disconnected) at once. The future is dropped only when it
    /// takes longer than
    /// [`connect_decision_timeout_ms`](crate::Config::connect_decision_timeout_ms), which then
    /// counts as [`Refusal::not_now`].
    ///
    /// # Errors
    /// A [`Refusal`]: the client receives `connect_error`, or its session ends.
    async fn connect(&self, request: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal>;
}

/// Handles the events of one socket.
#[async_trait]
pub trait Handler: Send {
    /// Handles one event. A socket's events are passed one at a time, in order of arrival. A panic
    /// ends the session.
    async fn event(&mut self, event: Event);

    /// The last call: made exactly once, after all events received before the disconnect.
    async fn disconnected(self: Box<Self>, reason: DisconnectReason);
}

/// Makes room for the events of a socket that wait for their handler or are handled: bounds what a client,
/// or all of them, may have under way.
pub trait Intake: Send + Sync {
    /// Makes room for an event of about so many bytes, until what is returned is dropped. `None` when there
    /// is no room: the handler is then told of the event, of which nothing else is kept.
    fn make_room(&self, bytes: usize) -> Option<EventRoom>;
}

// Connect requests, and the application's answers to them.

/// Maximum length of a `pid`, and of an offset, that is passed to the application.
const MAX_RECOVERY_BYTES: usize = 1024;

/// A client's request to connect to a namespace. `Debug` hides what the client sent.
pub struct ConnectRequest {
    /// The `auth` object of the client; `{}` when it sent none.
    pub auth: Box<RawValue>,
    /// The session the client asks to recover. Always `None` unless
    /// [`Config::recovery`](crate::Config::recovery) is on.
    pub recovery: Option<RecoveryRequest>,
    /// The peer address of the connection; behind a proxy, the proxy's.
    pub remote: Option<IpAddr>,
    /// Which CONNECT of its session it is, from 1.
    pub attempt: u64,
    pub(crate) permit: Permit,
}

impl ConnectRequest {
    /// What [`Builder::admission`](crate::Builder::admission) returned for the session: the place for what the
    /// request that opened it said, as its headers are not kept.
    pub fn permit<P: Any>(&self) -> Option<&P> {
        self.permit.downcast_ref()
    }
}

impl fmt::Debug for ConnectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectRequest")
            .field("recovery", &self.recovery.is_some())
            .finish_non_exhaustive()
    }
}

/// A request to recover the session of a lost connection. Both values are unverified client input
/// of at most 1024 bytes each: the application must check them, and the client's permissions.
/// `Debug` hides them.
#[derive(Clone, Deserialize, PartialEq, Eq)]
pub struct RecoveryRequest {
    /// The id given by [`Accepted::with_pid`].
    pub pid: String,
    /// The offset of the last event the client received.
    pub offset: String,
}

impl RecoveryRequest {
    /// Reads the request from the `auth` object of a CONNECT; `None` if it is missing or invalid.
    pub(crate) fn of(auth: &RawValue) -> Option<Self> {
        let request: Self = serde_json::from_str(auth.get()).ok()?;
        let is_valid = |text: &str| !text.is_empty() && text.len() <= MAX_RECOVERY_BYTES;
        (is_valid(&request.pid) && is_valid(&request.offset)).then_some(request)
    }
}

impl fmt::Debug for RecoveryRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryRequest").finish_non_exhaustive()
    }
}

/// A client the application accepted, with its handler.
#[must_use]
pub struct Accepted {
    pub(crate) handler: Box<dyn Handler>,
    pub(crate) intake: Option<Arc<dyn Intake>>,
    pub(crate) reply: ConnectReply,
}

/// The contents of the reply to an accepted CONNECT.
#[derive(Debug, Default)]
pub(crate) struct ConnectReply {
    pub(crate) pid: Option<String>,
    pub(crate) socket_id: Option<String>,
    pub(crate) replay: Vec<Frame>,
}

impl Accepted {
    /// Accepts the client; `handler` handles its events.
    pub fn new(handler: impl Handler + 'static) -> Self {
        Box::<dyn Handler>::from(Box::new(handler)).into()
    }

    /// Gives the client an id with which it can recover its session after a lost connection. Anyone
    /// who knows the id can request the events this client missed, so it must be unguessable. Sent
    /// only when [`Config::recovery`](crate::Config::recovery) is on.
    ///
    /// A reconnecting client knows that it was recovered when it receives the same id again.
    pub fn with_pid(mut self, pid: impl Into<String>) -> Self {
        self.reply.pid = Some(pid.into());
        self
    }

    /// Has `intake` make room for the events of this socket. Without it only the inbox bounds them.
    pub fn with_intake(mut self, intake: Arc<dyn Intake>) -> Self {
        self.intake = Some(intake);
        self
    }

    /// Recovers the client's session. The client receives its previous socket id, although
    /// [`Socket::id`] is a new one. The `replay` is sent before everything else and is exempt from
    /// the bounds of the mailbox: the application must bound it.
    ///
    /// [`Socket::id`]: crate::Socket::id
    pub fn recovered(mut self, socket_id: impl Into<String>, replay: Vec<Frame>) -> Self {
        self.reply.socket_id = Some(socket_id.into());
        self.reply.replay = replay;
        self
    }
}

impl From<Box<dyn Handler>> for Accepted {
    fn from(handler: Box<dyn Handler>) -> Self {
        Self { handler, intake: None, reply: ConnectReply::default() }
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("replay", &self.reply.replay.len()).finish_non_exhaustive()
    }
}

/// Why a CONNECT is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The message sent to the client.
    pub message: String,
    /// The details (`data`) sent to the client.
    pub data: Option<Value>,
    is_final: bool,
}

impl Refusal {
    /// A refusal without details. The client does not reconnect by itself.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None, is_final: true }
    }

    /// The application cannot accept clients at the moment. Instead of a reply, the client's whole
    /// session ends with all its namespaces ([`DisconnectReason::Unavailable`]): only then does a
    /// stock client reconnect by itself.
    ///
    /// [`DisconnectReason::Unavailable`]: crate::DisconnectReason::Unavailable
    pub fn not_now() -> Self {
        Self { message: String::new(), data: None, is_final: false }
    }

    /// Whether the client receives the refusal and does not reconnect. Otherwise its session ends
    /// and the client reconnects.
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// The same refusal, with details.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}

// Disconnect reasons.

/// Why a [`Socket`](crate::Socket) was disconnected. `Display` uses the protocol's terms where
/// there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client left this namespace.
    ClientNamespaceDisconnect,
    /// The application disconnected this socket, or its whole session.
    ServerNamespaceDisconnect,
    /// The client closed the connection, or the connection ended.
    TransportClose,
    /// The connection failed, or the client violated the transport protocol.
    TransportError,
    /// The client did not answer a ping in time.
    PingTimeout,
    /// The client sent an invalid packet.
    ParseError,
    /// The client read too slowly, and its mailbox overflowed.
    SlowReader,
    /// The client connected to no namespace in time, or was in none for too long.
    ConnectTimeout,
    /// Too many CONNECTs of the client were refused.
    TooManyRefusals,
    /// The application could not accept clients at the moment, or took too long to decide.
    Unavailable,
    /// A handler of this session panicked.
    HandlerPanicked,
    /// The server is stopping.
    ServerShutdown,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::SlowReader => "slow reader",
            Self::ConnectTimeout => "connect timeout",
            Self::TooManyRefusals => "too many refusals",
            Self::Unavailable => "server unavailable",
            Self::HandlerPanicked => "forced server close",
            Self::ServerShutdown => "server shutting down",
        })
    }
}

#[cfg(test)]
mod connect_tests {
    use super::*;

    fn request(auth: &Value) -> Option<RecoveryRequest> {
        RecoveryRequest::of(&serde_json::value::to_raw_value(auth).expect("JSON"))
    }

    #[test]
    fn a_client_that_was_here_before_says_both_where_and_when() {
        let sound = serde_json::json!({ "pid": "p", "offset": "o", "token": "t" });
        let expected = RecoveryRequest { pid: "p".into(), offset: "o".into() };
        assert_eq!(request(&sound), Some(expected));
        for odd in [
            serde_json::json!({}),
            serde_json::json!({ "pid": "p" }),
            serde_json::json!({ "offset": "o" }),
            serde_json::json!({ "pid": "", "offset": "o" }),
            serde_json::json!({ "pid": 1, "offset": "o" }),
            serde_json::json!({ "pid": "p", "offset": "o".repeat(MAX_RECOVERY_BYTES + 1) }),
        ] {
            assert_eq!(request(&odd), None);
        }
    }

    #[test]
    fn what_a_client_presents_is_not_printed() {
        let request = RecoveryRequest { pid: "secret".into(), offset: "secret".into() };
        assert!(!format!("{request:?}").contains("secret"));
    }
}
