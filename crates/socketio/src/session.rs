//! One Engine.IO session: a single task that reads, runs handlers and writes. None of these blocks
//! the task, so its heartbeat never stops.

mod incoming;
mod namespaces;
#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

use actix_ws::CloseCode;
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, LocalBoxFuture},
};
use namespaces::NamespaceSockets;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::{
    config::after,
    engine::{
        ClosePlan, Disconnected, EngineHandler, EngineSocket, Fault, Handoff, Heartbeat,
        HeartbeatAction, Incoming, PROBE_ANSWER, PROBE_QUESTION, PollingHandle, Resumable,
        Transport, UPGRADE, websocket::WebSocket,
    },
    frame::Frame,
    mailbox::{Key, PostError, SessionHandle, Signals},
    namespace::{
        Accepted, ConnectReply, ConnectRequest, DisconnectReason, Handler, Namespace, Permit,
        Refusal,
    },
    packet::{Decoder, Limits, ParseError, connect_error_text, connect_text},
    server::{Registration, Shared},
    socket::{Event, Socket},
};

/// The client that opened the session.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) remote: Option<IpAddr>,
    pub(crate) permit: Permit,
}

/// A session, from its OPEN packet to the last call of its last handler. It may move to another
/// thread when its transport changes.
pub(crate) struct Session {
    server: Arc<Shared>,
    handle: Arc<SessionHandle>,
    /// The entry in the session table, kept until the last handler is done.
    registration: Registration,
    client: Client,
    protocol: Protocol,
    heartbeat: Heartbeat,
    connect_deadline: ConnectDeadline,
    /// Whether a namespace was ever connected, or the protocol has none: then messages may be long.
    was_connected: bool,
    connects: u64,
    refused_connects: usize,
    sockets: NamespaceSockets,
    /// Whether the session does not read because too many events wait for their handlers.
    is_reading_paused: bool,
    /// Whether the previous transport left a ping unsent.
    has_pending_ping: bool,
}

/// The protocol on top of Engine.IO.
enum Protocol {
    SocketIo(Decoder),
    Bare(Box<dyn EngineHandler>),
}

impl Session {
    pub(crate) fn new(
        server: Arc<Shared>,
        handle: Arc<SessionHandle>,
        registration: Registration,
        client: Client,
    ) -> Self {
        let (config, opened) = (&server.config, Instant::now());
        let (protocol, connect_deadline) = if let Some(bare) = &server.bare {
            let socket = EngineSocket::new(Arc::clone(&handle));
            (Protocol::Bare(bare.open(socket)), ConnectDeadline::Never)
        } else {
            let decoder = Decoder::new(Limits {
                max_attachments: config.max_attachments,
                max_packet_bytes: config.max_packet_bytes,
                max_event_bytes: config.max_event_bytes,
                kept_members: config.kept_event_members,
            });
            let connect_deadline = ConnectDeadline::At(after(opened, config.connect_timeout_ms));
            (Protocol::SocketIo(decoder), connect_deadline)
        };
        Self {
            protocol,
            heartbeat: Heartbeat::new(config, opened),
            was_connected: connect_deadline == ConnectDeadline::Never,
            connect_deadline,
            connects: 0,
            refused_connects: 0,
            sockets: NamespaceSockets::new(config),
            is_reading_paused: false,
            has_pending_ping: false,
            server,
            handle,
            registration,
            client,
        }
    }

    /// Runs the session until it ends or is upgraded to another transport.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` has room for its arguments twice, and there are many sessions"
    )]
    pub(crate) fn run(mut self, mut transport: impl Transport) -> impl Future<Output = ()> {
        async move {
            let outcome = self.run_until_end(&mut transport).await;
            // Boxed, so that its memory is not reserved for the lifetime of the session.
            Box::pin(self.close(transport, outcome)).await;
        }
    }

    async fn close(mut self, transport: impl Transport, outcome: Result<Handoff, SessionEnd>) {
        match outcome {
            Ok(handoff) => {
                self.has_pending_ping = transport.has_pending_ping();
                drop(transport);
                if let Err(session) = handoff.send(Box::new(self)) {
                    session.abandon().await;
                }
            }
            Err(end) => {
                let timeout_ms = self.server.config.close_timeout_ms;
                let handle = Arc::clone(&self.handle);
                let closing = transport.close(end.close_plan(timeout_ms), &handle);
                // The closing packets may wait for a GET, which must still find the session.
                let ((), registration) = tokio::join!(closing, self.finish(end));
                drop(registration);
            }
        }
    }

    /// Waits for the last call of every handler. Returns the entry in the session table.
    async fn finish(self, end: SessionEnd) -> Registration {
        let Self { mut sockets, protocol, registration, .. } = self;
        tracing::debug!(reason = %end.reason, "a session ended");
        sockets.finish(end.reason).await;
        if let Protocol::Bare(handler) = protocol {
            handler.closed(end.reason);
        }
        registration
    }

    async fn run_until_end(
        &mut self,
        transport: &mut impl Transport,
    ) -> Result<Handoff, SessionEnd> {
        if std::mem::take(&mut self.has_pending_ping) {
            ping(transport)?;
        }
        let mut timer = std::pin::pin!(sleep_until(self.deadline()));
        loop {
            match self.step(transport, timer.as_mut()).await? {
                Some(Incoming::Upgrade(handoff)) => return Ok(handoff),
                Some(incoming) => self.on_incoming(incoming, transport)?,
                None => {}
            }
        }
    }

    /// Sends queued frames, then waits for one thing to happen. Returns the transport's event, if
    /// it was that.
    async fn step(
        &mut self,
        transport: &mut impl Transport,
        mut timer: Pin<&mut Sleep>,
    ) -> Result<Option<Incoming>, SessionEnd> {
        self.apply_signals()?;
        self.expect_namespace();
        transport.bound_messages(self.max_message_bytes());
        transport.pump(&self.handle)?;
        self.sockets.start_next();
        let is_reading = self.is_reading();
        if timer.deadline() != self.deadline() {
            timer.as_mut().reset(self.deadline());
        }
        tokio::select! {
            () = timer => self.on_deadline(transport)?,
            () = self.handle.changed() => {}
            done = self.sockets.next() => self.on_outcome(done)?,
            incoming = transport.next(is_reading) => {
                if incoming.is_sign_of_life() {
                    self.handle.record_activity();
                }
                return Ok(Some(incoming));
            }
        }
        Ok(None)
    }

    fn apply_signals(&mut self) -> Result<(), SessionEnd> {
        let Signals { disconnected, end_reason } = self.handle.take_signals();
        for key in disconnected {
            self.sockets.disconnect(key);
        }
        end_reason.map_or(Ok(()), |reason| Err(reason.into()))
    }
}

impl Resumable for Session {
    fn resume(self: Box<Self>, socket: WebSocket) -> LocalBoxFuture<'static, ()> {
        Box::pin((*self).run(socket))
    }

    fn abandon(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        Box::pin(async move {
            self.handle.discard();
            drop(self.finish(SessionEnd::connection_lost()).await);
        })
    }
}

/// A frame of the session itself is refused only when the mailbox is full or closed; the session ends
/// in both cases.
impl From<PostError> for SessionEnd {
    fn from(_: PostError) -> Self {
        DisconnectReason::SlowReader.into()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

// Deadlines: heartbeat pings and pongs, and the connect timeout.

/// The deadline by which a client must have connected to a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectDeadline {
    At(Instant),
    /// The deadline has passed while a CONNECT is pending; a refusal ends the session.
    Elapsed,
    /// A namespace was connected.
    Met,
    /// The protocol has no namespaces.
    Never,
}

impl Session {
    /// Whether the session reads from its client. While it does not, because too many events wait
    /// for their handlers, the client is not expected to have answered pings.
    fn is_reading(&mut self) -> bool {
        let is_full = self.sockets.is_full();
        if self.is_reading_paused || is_full {
            self.handle.record_activity();
        }
        if self.is_reading_paused && !is_full {
            self.heartbeat.extend_pong_deadline(Instant::now());
        }
        self.is_reading_paused = is_full;
        !is_full
    }

    fn deadline(&self) -> Instant {
        match self.connect_deadline {
            ConnectDeadline::At(moment) => moment.min(self.heartbeat.deadline()),
            ConnectDeadline::Elapsed | ConnectDeadline::Met | ConnectDeadline::Never => {
                self.heartbeat.deadline()
            }
        }
    }

    /// Gives a client that is in no namespace any more some time to connect to one.
    fn expect_namespace(&mut self) {
        if self.connect_deadline == ConnectDeadline::Met && !self.sockets.has_active() {
            let timeout_ms = self.server.config.namespace_timeout_ms;
            self.connect_deadline = ConnectDeadline::At(after(Instant::now(), timeout_ms));
        }
    }

    /// Maximum bytes of a message of the client, now.
    fn max_message_bytes(&self) -> usize {
        let config = &self.server.config;
        if self.was_connected { config.max_payload_bytes } else { config.max_connect_bytes }
    }

    fn on_deadline(&mut self, transport: &mut impl Transport) -> Result<(), SessionEnd> {
        let now = Instant::now();
        match self.heartbeat.check(now) {
            HeartbeatAction::Wait => {}
            HeartbeatAction::Ping => ping(transport)?,
            // The client needs pings to stay connected, even while its pongs are not read.
            HeartbeatAction::TimedOut
                if self.is_reading_paused && !self.sockets.waits_for_answers() =>
            {
                self.heartbeat.extend_pong_deadline(now);
                ping(transport)?;
            }
            HeartbeatAction::TimedOut if self.is_reading_paused => {
                return Err(DisconnectReason::SlowReader.into());
            }
            HeartbeatAction::TimedOut => return Err(DisconnectReason::PingTimeout.into()),
        }
        if matches!(self.connect_deadline, ConnectDeadline::At(moment) if moment <= now) {
            self.connect_deadline = ConnectDeadline::Elapsed;
        }
        self.check_connect_deadline()
    }

    /// Processes the deadlines that have passed but whose timer has not fired yet.
    fn check_deadlines(&mut self, transport: &mut impl Transport) -> Result<(), SessionEnd> {
        while self.deadline() <= Instant::now() {
            self.on_deadline(transport)?;
        }
        Ok(())
    }

    fn check_connect_deadline(&self) -> Result<(), SessionEnd> {
        if self.connect_deadline == ConnectDeadline::Elapsed && !self.sockets.has_active() {
            return Err(DisconnectReason::ConnectTimeout.into());
        }
        Ok(())
    }
}

/// Sends a ping. A client that has not read the previous pings is a slow reader.
fn ping(transport: &mut impl Transport) -> Result<(), SessionEnd> {
    if transport.ping()? {
        return Ok(());
    }
    Err(DisconnectReason::SlowReader.into())
}

// Reasons for the end of a session.

/// Why a session ends, and how its transport is closed.
#[derive(Clone, Copy, Debug)]
struct SessionEnd {
    reason: DisconnectReason,
    code: CloseCode,
    /// Whether queued frames are still sent. Not to a client that misbehaved or is too slow.
    drains: bool,
    is_client_close: bool,
}

impl SessionEnd {
    /// The connection ended.
    fn connection_lost() -> Self {
        DisconnectReason::TransportClose.into()
    }

    /// The client closed the session.
    fn closed_by_client() -> Self {
        Self { is_client_close: true, ..Self::connection_lost() }
    }

    fn close_plan(self, timeout_ms: u64) -> ClosePlan {
        ClosePlan {
            code: self.code,
            drains: self.drains,
            is_client_close: self.is_client_close,
            timeout: Duration::from_millis(timeout_ms),
        }
    }
}

impl From<DisconnectReason> for SessionEnd {
    fn from(reason: DisconnectReason) -> Self {
        let (code, drains) = match reason {
            DisconnectReason::ParseError => (CloseCode::Protocol, false),
            DisconnectReason::SlowReader => (CloseCode::Again, false),
            DisconnectReason::Unavailable => (CloseCode::Again, true),
            DisconnectReason::HandlerPanicked => (CloseCode::Error, false),
            DisconnectReason::ServerShutdown => (CloseCode::Away, true),
            DisconnectReason::ConnectTimeout | DisconnectReason::TooManyRefusals => {
                (CloseCode::Policy, true)
            }
            DisconnectReason::ServerNamespaceDisconnect => (CloseCode::Normal, true),
            _ => (CloseCode::Normal, false),
        };
        Self { reason, code, drains, is_client_close: false }
    }
}

impl From<Fault> for SessionEnd {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::TooBig => CloseCode::Size,
            Fault::Protocol => CloseCode::Protocol,
            Fault::NotText => CloseCode::Invalid,
            Fault::Broken => CloseCode::Normal,
        };
        Self {
            reason: DisconnectReason::TransportError,
            code,
            drains: false,
            is_client_close: false,
        }
    }
}

impl From<ParseError> for SessionEnd {
    fn from(error: ParseError) -> Self {
        tracing::debug!(%error, "a client sent an invalid packet");
        DisconnectReason::ParseError.into()
    }
}

impl From<Disconnected> for SessionEnd {
    fn from(_: Disconnected) -> Self {
        Self::connection_lost()
    }
}

// Results of calls into the application.

impl Session {
    fn on_outcome(&mut self, (key, outcome): (Key, Outcome)) -> Result<(), SessionEnd> {
        let Some(entry) = self.sockets.find(key) else {
            return Ok(());
        };
        match outcome {
            Outcome::Accepted(Accepted { handler, intake, reply }) => {
                entry.accept(handler, intake);
                self.send_connect_reply(key, reply)
            }
            Outcome::Refused(refusal) if refusal.is_final() => self.on_refused(key, &refusal),
            // A refused client does not reconnect by itself; one that lost its connection does.
            Outcome::Refused(_) | Outcome::ConnectTimedOut => {
                self.handle.remove(key);
                self.sockets.remove(key);
                Err(DisconnectReason::Unavailable.into())
            }
            Outcome::ConnectPanicked => {
                tracing::error!("a namespace panicked in `connect`; its session ends");
                self.sockets.remove(key);
                Err(DisconnectReason::HandlerPanicked.into())
            }
            Outcome::Handled(handler) => {
                entry.return_handler(handler);
                Ok(())
            }
            Outcome::HandlerPanicked(handler) => {
                tracing::error!("a handler panicked; its session ends");
                entry.fail(handler);
                Err(DisconnectReason::HandlerPanicked.into())
            }
            Outcome::Disconnected => {
                self.sockets.remove(key);
                Ok(())
            }
        }
    }

    fn send_connect_reply(&mut self, key: Key, reply: ConnectReply) -> Result<(), SessionEnd> {
        let Some(entry) = self.sockets.find(key) else {
            return Ok(());
        };
        let namespace = entry.socket.shared_namespace();
        let sid = reply.socket_id.as_deref().unwrap_or(entry.socket.id().as_str());
        let pid = reply.pid.as_deref().filter(|_| self.server.config.recovery);
        let text = connect_text(&namespace, sid, pid);
        let answer = Frame::of_text(namespace, text, Vec::new());
        let is_connected = self.handle.accept(key, reply.replay, answer)?;
        self.connect_deadline = ConnectDeadline::Met;
        self.was_connected = true;
        if !is_connected {
            self.sockets.disconnect(key);
        }
        Ok(())
    }

    fn on_refused(&mut self, key: Key, refusal: &Refusal) -> Result<(), SessionEnd> {
        self.handle.remove(key);
        if let Some(entry) = self.sockets.remove(key) {
            self.send_connect_error(entry.socket.namespace(), refusal)?;
        }
        self.check_connect_deadline()
    }

    /// Refuses the client's CONNECT to `namespace`. The last refusal that a session is allowed ends it.
    fn send_connect_error(&mut self, namespace: &str, refusal: &Refusal) -> Result<(), SessionEnd> {
        match connect_error_text(namespace, &refusal.message, refusal.data.as_ref()) {
            Ok(text) => {
                let answer = Frame::of_text(namespace.into(), text, Vec::new());
                self.handle.post_control(answer)?;
                self.refused_connects += 1;
                if self.refused_connects >= self.server.config.max_refused_connects {
                    return Err(DisconnectReason::TooManyRefusals.into());
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "a refusal cannot be serialized as JSON; its session ends");
                Err(DisconnectReason::HandlerPanicked.into())
            }
        }
    }
}

// Calls into the application, as futures that catch panics.

/// A running call into the application.
type PendingCall = BoxFuture<'static, Outcome>;

/// The result of a call into the application.
enum Outcome {
    Accepted(Accepted),
    Refused(Refusal),
    /// `connect` took too long.
    ConnectTimedOut,
    /// `connect` panicked.
    ConnectPanicked,
    Handled(Box<dyn Handler>),
    /// `event` panicked. The handler must still get its last call.
    HandlerPanicked(Box<dyn Handler>),
    Disconnected,
}

fn call_connect(
    namespace: Arc<dyn Namespace>,
    request: ConnectRequest,
    socket: Socket,
    deadline: Instant,
) -> PendingCall {
    async move {
        let call = async { namespace.connect(request, socket).await };
        let call = AssertUnwindSafe(call).catch_unwind();
        match timeout_at(deadline, call).await {
            Ok(Ok(Ok(accepted))) => Outcome::Accepted(accepted),
            Ok(Ok(Err(refusal))) => Outcome::Refused(refusal),
            Ok(Err(_panic)) => Outcome::ConnectPanicked,
            Err(_elapsed) => Outcome::ConnectTimedOut,
        }
    }
    .boxed()
}

fn call_event(mut handler: Box<dyn Handler>, event: Event) -> PendingCall {
    async move {
        let call = async { handler.event(event).await };
        match AssertUnwindSafe(call).catch_unwind().await {
            Ok(()) => Outcome::Handled(handler),
            Err(_panic) => Outcome::HandlerPanicked(handler),
        }
    }
    .boxed()
}

fn call_disconnected(handler: Box<dyn Handler>, reason: DisconnectReason) -> PendingCall {
    async move {
        let call = async { handler.disconnected(reason).await };
        if AssertUnwindSafe(call).catch_unwind().await.is_err() {
            tracing::error!("a handler panicked in `disconnected`");
        }
        Outcome::Disconnected
    }
    .boxed()
}

// The upgrade from polling to WebSocket.

/// Probes `socket`, then runs the session on it. If the upgrade fails, the WebSocket is closed and the
/// session stays on polling.
pub(crate) async fn upgrade(polling: Arc<PollingHandle>, mut socket: WebSocket, timeout_ms: u64) {
    let passed = tokio::select! {
        passed = tokio::time::timeout(Duration::from_millis(timeout_ms), probe(&polling, &mut socket)) => {
            passed.unwrap_or(false)
        }
        () = polling.closed() => false,
    };
    // Not cancelled: once the session has been requested, it must be resumed or it would be lost.
    let session = if passed { polling.upgrade().await } else { None };
    if let Some(session) = session {
        session.resume(socket).await;
    } else {
        socket.reject();
        polling.probed(false).await;
    }
}

/// Whether the client sent the packets of the upgrade handshake in order.
async fn probe(polling: &PollingHandle, socket: &mut WebSocket) -> bool {
    if !receives(socket, PROBE_QUESTION).await || socket.send_urgent(PROBE_ANSWER).is_err() {
        return false;
    }
    polling.probed(true).await;
    receives(socket, UPGRADE).await
}

/// Whether the next text packet is `expected`.
async fn receives(socket: &mut WebSocket, expected: &str) -> bool {
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
