//! One Engine.IO session: one task that reads, decides, runs handlers and writes, and that nothing
//! can make wait, so that its heartbeat never stops.

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
        Beat, ClosePlan, Disconnected, EngineHandler, EngineSocket, Fault, Handoff, Heartbeat,
        Incoming, PROBE_ANSWER, PROBE_QUESTION, PollingHandle, Resumable, Transport, UPGRADE,
        websocket::WebSocket,
    },
    frame::Frame,
    mailbox::{Key, Refused, SessionHandle, Signals},
    namespace::{
        Accepted, ConnectRequest, DisconnectReason, Handler, Headers, Namespace, Refusal, Welcome,
    },
    packet::{Decoder, Limits, ParseError, connect_error_text, connect_text},
    server::{Registration, Shared},
    socket::{Event, Socket},
};

/// Who opened the session.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) remote: Option<IpAddr>,
    pub(crate) headers: Headers,
}

/// A session, from its opening to the last call of its last handler. It may move to another thread
/// when its transport changes.
pub(crate) struct Session {
    server: Arc<Shared>,
    link: Arc<SessionHandle>,
    /// The place in the table, kept until everything is over.
    registration: Registration,
    client: Client,
    upper: Protocol,
    heartbeat: Heartbeat,
    patience: ConnectDeadline,
    members: NamespaceSockets,
    /// Whether the last turn left the client unread because its events are still being handled.
    held_back: bool,
    /// Whether the transport before this one left a ping unsent.
    owes_ping: bool,
}

/// What the messages of a session are for.
enum Protocol {
    SocketIo(Decoder),
    Bare(Box<dyn EngineHandler>),
}

impl Session {
    pub(crate) fn new(
        server: Arc<Shared>,
        link: Arc<SessionHandle>,
        registration: Registration,
        client: Client,
    ) -> Self {
        let (config, opened) = (&server.config, Instant::now());
        let (upper, patience) = if let Some(bare) = &server.bare {
            let socket = EngineSocket::new(Arc::clone(&link));
            (Protocol::Bare(bare.open(socket)), ConnectDeadline::Rewarded)
        } else {
            let decoder = Decoder::new(Limits {
                max_attachments: config.max_attachments,
                max_packet_bytes: config.max_packet_bytes,
            });
            let patience = ConnectDeadline::Until(after(opened, config.connect_timeout_ms));
            (Protocol::SocketIo(decoder), patience)
        };
        Self {
            upper,
            heartbeat: Heartbeat::new(config, opened),
            patience,
            members: NamespaceSockets::new(config.inbox_events, config.max_payload_bytes),
            held_back: false,
            owes_ping: false,
            server,
            link,
            registration,
            client,
        }
    }

    /// Runs the session to its end, or to where another transport takes over.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` has room for its arguments twice, and there are many sessions"
    )]
    pub(crate) fn run(mut self, mut transport: impl Transport) -> impl Future<Output = ()> {
        async move {
            let outcome = self.live(&mut transport).await;
            // In a box of its own, or its room would be held as long as the session lives.
            Box::pin(self.leave(transport, outcome)).await;
        }
    }

    async fn leave(mut self, transport: impl Transport, outcome: Result<Handoff, SessionEnd>) {
        match outcome {
            Ok(handoff) => {
                self.owes_ping = transport.owes_ping();
                drop(transport);
                if let Err(session) = handoff.send(Box::new(self)) {
                    session.abandon().await;
                }
            }
            Err(ending) => {
                let patience_ms = self.server.config.close_timeout_ms;
                let link = Arc::clone(&self.link);
                let farewell = transport.close(ending.farewell(patience_ms), &link);
                // The last words may wait for a request, which must find the session.
                let ((), registration) = tokio::join!(farewell, self.finish(ending));
                drop(registration);
            }
        }
    }

    /// Lets every handler have its last call. What is left is the place in the table.
    async fn finish(self, ending: SessionEnd) -> Registration {
        let Self { mut members, upper, registration, .. } = self;
        tracing::debug!(reason = %ending.reason, "a session ended");
        members.finish(ending.reason).await;
        if let Protocol::Bare(handler) = upper {
            handler.closed(ending.reason);
        }
        registration
    }

    async fn live(&mut self, transport: &mut impl Transport) -> Result<Handoff, SessionEnd> {
        if std::mem::take(&mut self.owes_ping) {
            ping(transport)?;
        }
        let mut alarm = std::pin::pin!(sleep_until(self.deadline()));
        loop {
            match self.turn(transport, alarm.as_mut()).await? {
                Some(Incoming::Upgrade(handoff)) => return Ok(handoff),
                Some(incoming) => self.on_incoming(incoming, transport)?,
                None => {}
            }
        }
    }

    /// Sends what there is room for, then waits for one thing to happen. Returns what came from
    /// the client.
    async fn turn(
        &mut self,
        transport: &mut impl Transport,
        mut alarm: Pin<&mut Sleep>,
    ) -> Result<Option<Incoming>, SessionEnd> {
        self.on_news()?;
        transport.pump(&self.link)?;
        self.members.proceed();
        let is_reading = self.is_reading();
        if alarm.deadline() != self.deadline() {
            alarm.as_mut().reset(self.deadline());
        }
        tokio::select! {
            () = alarm => self.on_time(transport)?,
            () = self.link.changed() => {}
            done = self.members.next() => self.on_done(done)?,
            incoming = transport.next(is_reading) => {
                if incoming.is_sign_of_life() {
                    self.link.heard();
                }
                return Ok(Some(incoming));
            }
        }
        Ok(None)
    }

    fn on_news(&mut self) -> Result<(), SessionEnd> {
        let Signals { dismissed, ending } = self.link.news();
        for key in dismissed {
            self.members.dismiss(key);
        }
        ending.map_or(Ok(()), |reason| Err(reason.into()))
    }
}

impl Resumable for Session {
    fn resume(self: Box<Self>, socket: WebSocket) -> LocalBoxFuture<'static, ()> {
        Box::pin((*self).run(socket))
    }

    fn abandon(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        Box::pin(async move {
            self.link.discard();
            drop(self.finish(SessionEnd::lost()).await);
        })
    }
}

/// The mailbox of a session refuses only when the session is about to end anyway.
impl From<Refused> for SessionEnd {
    fn from(_: Refused) -> Self {
        DisconnectReason::SlowReader.into()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

// What a session does in time: ping, give up on a silent client, give up on one that enters nothing.

/// How long the session waits for a first namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectDeadline {
    Until(Instant),
    /// Time is up, but a decision is pending; a refusal ends the session.
    Exhausted,
    /// A namespace was connected, or there are none.
    Rewarded,
}

impl Session {
    /// A client whose events pile up is not read, and so cannot be blamed for a missing pong; unless
    /// they pile up because it does not take the answers to those before.
    fn is_reading(&mut self) -> bool {
        let is_full = self.members.is_full();
        if self.held_back || is_full {
            self.link.heard();
        }
        if self.held_back && !is_full {
            self.heartbeat.excuse(Instant::now());
        }
        self.held_back = is_full;
        !is_full
    }

    fn deadline(&self) -> Instant {
        match self.patience {
            ConnectDeadline::Until(moment) => moment.min(self.heartbeat.deadline()),
            ConnectDeadline::Exhausted | ConnectDeadline::Rewarded => self.heartbeat.deadline(),
        }
    }

    fn on_time(&mut self, transport: &mut impl Transport) -> Result<(), SessionEnd> {
        let now = Instant::now();
        match self.heartbeat.beat(now) {
            Beat::Steady => {}
            Beat::Ping => ping(transport)?,
            // The client needs pings to stay, even though nobody reads its answers.
            Beat::Overdue if self.held_back && !self.members.is_held_up() => {
                self.heartbeat.excuse(now);
                ping(transport)?;
            }
            Beat::Overdue if self.held_back => return Err(DisconnectReason::SlowReader.into()),
            Beat::Overdue => return Err(DisconnectReason::PingTimeout.into()),
        }
        if matches!(self.patience, ConnectDeadline::Until(moment) if moment <= now) {
            self.patience = ConnectDeadline::Exhausted;
        }
        self.check_patience()
    }

    /// Looks at the clock between alarms, which are never quite on time.
    fn check_clock(&mut self, transport: &mut impl Transport) -> Result<(), SessionEnd> {
        while self.deadline() <= Instant::now() {
            self.on_time(transport)?;
        }
        Ok(())
    }

    fn check_patience(&self) -> Result<(), SessionEnd> {
        if self.patience == ConnectDeadline::Exhausted && !self.members.is_anyone_present() {
            return Err(DisconnectReason::ConnectTimeout.into());
        }
        Ok(())
    }
}

/// A client that has not even taken the pings before this one does not read.
fn ping(transport: &mut impl Transport) -> Result<(), SessionEnd> {
    if transport.ping()? {
        return Ok(());
    }
    Err(DisconnectReason::SlowReader.into())
}

// How a session ends.

/// Why a session ends, and what its client is told.
#[derive(Clone, Copy, Debug)]
struct SessionEnd {
    reason: DisconnectReason,
    code: CloseCode,
    /// Whether what waits is still sent. Not to a client that misbehaved or is behind.
    drains: bool,
    is_clients_wish: bool,
}

impl SessionEnd {
    /// The connection ended by itself.
    fn lost() -> Self {
        DisconnectReason::TransportClose.into()
    }

    /// The client said that it ends.
    fn wished() -> Self {
        Self { is_clients_wish: true, ..Self::lost() }
    }

    fn farewell(self, patience_ms: u64) -> ClosePlan {
        ClosePlan {
            code: self.code,
            drains: self.drains,
            is_clients_wish: self.is_clients_wish,
            patience: Duration::from_millis(patience_ms),
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
            DisconnectReason::ConnectTimeout => (CloseCode::Policy, true),
            DisconnectReason::ServerNamespaceDisconnect => (CloseCode::Normal, true),
            _ => (CloseCode::Normal, false),
        };
        Self { reason, code, drains, is_clients_wish: false }
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
            is_clients_wish: false,
        }
    }
}

impl From<ParseError> for SessionEnd {
    fn from(error: ParseError) -> Self {
        tracing::debug!(%error, "a client sent what is no packet");
        DisconnectReason::ParseError.into()
    }
}

impl From<Disconnected> for SessionEnd {
    fn from(_: Disconnected) -> Self {
        Self::lost()
    }
}

// What a session does when the application has done its part.

impl Session {
    fn on_done(&mut self, (key, outcome): (Key, Outcome)) -> Result<(), SessionEnd> {
        let Some(member) = self.members.find(key) else {
            return Ok(());
        };
        match outcome {
            Outcome::Accepted(Accepted { handler, welcome }) => {
                member.accept(handler);
                self.admit(key, welcome)
            }
            Outcome::Refused(refusal) if refusal.is_final() => self.turn_away(key, &refusal),
            // An answer would be the last word; only a lost connection brings the client back.
            Outcome::Refused(_) | Outcome::Undecided => {
                self.link.remove(key);
                self.members.remove(key);
                Err(DisconnectReason::Unavailable.into())
            }
            Outcome::DecisionPanicked => {
                tracing::error!("a namespace panicked over a connect; its session ends");
                self.members.remove(key);
                Err(DisconnectReason::HandlerPanicked.into())
            }
            Outcome::Handled(handler) => {
                member.rest(handler);
                Ok(())
            }
            Outcome::HandlerPanicked(handler) => {
                tracing::error!("a handler panicked; its session ends");
                member.give_up(handler);
                Err(DisconnectReason::HandlerPanicked.into())
            }
            Outcome::Left => {
                self.members.remove(key);
                Ok(())
            }
        }
    }

    fn admit(&mut self, key: Key, welcome: Welcome) -> Result<(), SessionEnd> {
        let Some(member) = self.members.find(key) else {
            return Ok(());
        };
        let namespace = member.socket.shared_namespace();
        let sid = welcome.socket_id.as_deref().unwrap_or(member.socket.id().as_str());
        let pid = welcome.pid.as_deref().filter(|_| self.server.config.recovery);
        let text = connect_text(&namespace, sid, pid);
        let answer = Frame::of_text(namespace, text, Vec::new());
        let stays = self.link.admit(key, welcome.replay, answer)?;
        self.patience = ConnectDeadline::Rewarded;
        if !stays {
            self.members.dismiss(key);
        }
        Ok(())
    }

    fn turn_away(&mut self, key: Key, refusal: &Refusal) -> Result<(), SessionEnd> {
        self.link.remove(key);
        if let Some(member) = self.members.remove(key) {
            self.refuse(member.socket.namespace(), refusal)?;
        }
        self.check_patience()
    }

    /// Tells the client that it may not enter `namespace`.
    fn refuse(&self, namespace: &str, refusal: &Refusal) -> Result<(), SessionEnd> {
        match connect_error_text(namespace, &refusal.message, refusal.data.as_ref()) {
            Ok(text) => {
                let answer = Frame::of_text(namespace.into(), text, Vec::new());
                Ok(self.link.answer(answer)?)
            }
            Err(error) => {
                tracing::error!(%error, "a refusal has no JSON form; its session ends");
                Err(DisconnectReason::HandlerPanicked.into())
            }
        }
    }
}

// What a session asks of the application, as futures that survive its panics.

/// A call into the application under way.
type Work = BoxFuture<'static, Outcome>;

/// What came of a call into the application.
enum Outcome {
    Accepted(Accepted),
    Refused(Refusal),
    /// `connect` took too long.
    Undecided,
    /// `connect` panicked.
    DecisionPanicked,
    Handled(Box<dyn Handler>),
    /// `event` panicked. The handler is still owed its last call.
    HandlerPanicked(Box<dyn Handler>),
    Left,
}

fn decide(
    namespace: Arc<dyn Namespace>,
    request: ConnectRequest,
    socket: Socket,
    deadline: Instant,
) -> Work {
    async move {
        let decision = async { namespace.connect(request, socket).await };
        let decision = AssertUnwindSafe(decision).catch_unwind();
        match timeout_at(deadline, decision).await {
            Ok(Ok(Ok(accepted))) => Outcome::Accepted(accepted),
            Ok(Ok(Err(refusal))) => Outcome::Refused(refusal),
            Ok(Err(_panic)) => Outcome::DecisionPanicked,
            Err(_elapsed) => Outcome::Undecided,
        }
    }
    .boxed()
}

fn handle(mut handler: Box<dyn Handler>, event: Event) -> Work {
    async move {
        let handling = async { handler.event(event).await };
        match AssertUnwindSafe(handling).catch_unwind().await {
            Ok(()) => Outcome::Handled(handler),
            Err(_panic) => Outcome::HandlerPanicked(handler),
        }
    }
    .boxed()
}

fn say_goodbye(handler: Box<dyn Handler>, reason: DisconnectReason) -> Work {
    async move {
        let goodbye = async { handler.disconnected(reason).await };
        if AssertUnwindSafe(goodbye).catch_unwind().await.is_err() {
            tracing::error!("a handler panicked in its last call");
        }
        Outcome::Left
    }
    .boxed()
}

// A WebSocket on its way to take over from polling.

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
        session.resume(socket).await;
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
