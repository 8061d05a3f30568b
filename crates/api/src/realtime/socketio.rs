//! The Socket.IO front door: connecting, recovering, and the events of its clients.

use std::{
    borrow::Cow,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::time::Timestamp;
use serde_json::{Value, json};
use socketio::{
    Accepted, Acknowledger, ConnectRequest, DisconnectReason, EmitError, Event, Frame, Handler,
    Namespace, RecoveryRequest, Refusal, Socket,
};

use super::{
    actor::{Received, ReplyChannel, SessionHandle},
    admission::ConnectionPermit,
    commands::{self, Answer, FIELDS},
    events::{self, OutgoingEvent},
    recovery_token::{RecoveryKey, RecoveryTokenIssuer, VerifiedRecovery},
    registry::{DisconnectCause, EventSink, SessionClosed},
    session::{AuthenticatedClient, ConnectAttempt, Context, Session},
    settings::Settings,
    subscriptions::{LastState, Subscriptions},
    takeover::{ActiveSession, PendingTakeover, SessionLease, SessionTable},
};
use crate::{
    error::{Code, Failure},
    input::Fields,
    texts::{self, Language},
};

/// The namespace of conversations.
pub(super) struct MessagingNamespace {
    context: Arc<Context>,
    table: SessionTable<ActiveSession>,
}

/// Whether the client wants its connection recovered, if it says so: `true` or `false`, also as
/// texts, for clients that can send only those.
fn recovery_wish(auth: &Fields) -> Option<bool> {
    match auth.get("recovery")? {
        Value::Bool(wish) => Some(*wish),
        Value::String(wish) => wish.parse().ok(),
        _ => None,
    }
}

#[async_trait]
impl Namespace for MessagingNamespace {
    async fn connect(&self, request: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        let accepted = self.let_in(request, socket).await;
        accepted.map_err(|failure| refusal(&failure))
    }
}

impl MessagingNamespace {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context, table: SessionTable::new() }
    }

    async fn let_in(&self, request: ConnectRequest, socket: Socket) -> Result<Accepted, Failure> {
        let permit = request.permit::<ConnectionPermit>();
        let address = permit.map_or(Ipv4Addr::UNSPECIFIED.into(), ConnectionPermit::address);
        // The first one was counted when its socket was opened.
        if request.attempt > 1 {
            self.context.limits.allow_connect(address)?;
        }
        let auth = commands::payload(Some(request.auth.get()), FIELDS);
        auth.check()?;
        let token = auth.fields.get("token").and_then(Value::as_str);
        let admitted = Session::admit(&self.context, ConnectAttempt { token, address }).await?;
        if request.attempt > 1 {
            self.context.limits.allow_commands(admitted.user(), 1)?;
        }
        let Settings { recovery_key, recovery_offered, .. } = &self.context.settings;
        let wish = recovery_wish(&auth.fields);
        match recovery_key.as_ref().filter(|_| recovery_offered.to(wish)) {
            None => {
                let sink = SocketEventSink::new(socket.clone(), None);
                let session = Session::enter(&self.context, admitted, Arc::new(sink))?;
                let intake = session.intake();
                let accepted = Accepted::new(SocketSession::new(session, socket, None));
                Ok(accepted.with_intake(intake))
            }
            Some(key) => {
                let handler = ConnectHandler { namespace: self, key, socket };
                handler.connect(admitted, request.recovery.as_ref()).await
            }
        }
    }
}

fn refusal(failure: &Failure) -> Refusal {
    failure.log();
    if failure.code() == Code::Unavailable {
        return Refusal::not_now();
    }
    let message = match failure.code() {
        Code::Unauthorized | Code::TokenExpired => {
            texts::NOT_AUTHENTICATED.in_language(Language::French).to_owned()
        }
        _ => failure.message(Language::French),
    };
    let mut data = json!({ "code": failure.code().as_str() });
    if let Some(wait) = failure.retry_after_ms() {
        data["retryAfterMs"] = wait.into();
    }
    let details = failure.details(Language::French);
    if !details.is_empty() {
        data["details"] = details.into();
    }
    Refusal::new(message).with_data(data)
}

// Events of a Socket.IO client, and the answers to them.

/// A session behind a Socket.IO socket.
struct SocketSession {
    session: SessionHandle,
    replies: SocketReplies,
}

impl SocketSession {
    fn new(session: Session, socket: Socket, lease: Option<SessionLease<ActiveSession>>) -> Self {
        Self { session: SessionHandle::spawn(session, lease), replies: SocketReplies(socket) }
    }
}

#[async_trait]
impl Handler for SocketSession {
    async fn event(&mut self, event: Event) {
        let Event { name, args, attachments, ack, not_kept, bytes, room } = event;
        // Other arguments are ignored.
        let json = args.first().map(|arg| arg.get());
        let received = Received { name: &name, bytes, not_kept };
        let request = self.session.read(&received, |known| commands::payload(json, known));
        // While it is handled, only what was read of it is kept.
        drop((name, args, attachments));
        let Some(request) = request else { return };
        let handled = self.session.handle(&self.replies, request, ack).await;
        drop(room);
        if let Err(stopped) = handled {
            // `socketio` ends the session of a handler that panics, as this one's actor did.
            std::panic::resume_unwind(Box::new(stopped));
        }
    }

    async fn disconnected(self: Box<Self>, reason: DisconnectReason) {
        self.session.end(reason.to_string()).await;
    }
}

/// Sends answers on a Socket.IO socket.
struct SocketReplies(Socket);

impl ReplyChannel for SocketReplies {
    type AckId = Acknowledger;

    fn acknowledge(&self, ack: Acknowledger, answer: &Answer<'_>) {
        log_undelivered(ack.send(answer));
    }

    fn send_error(&self, event: &OutgoingEvent) {
        if let Some(frame) = event.frame() {
            log_undelivered(self.0.send_answer(frame));
        }
    }
}

fn log_undelivered(sent: Result<(), EmitError>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "an answer did not reach its session");
    }
}

/// Sends events to a Socket.IO client.
struct SocketEventSink {
    socket: Socket,
    /// Writes the offsets by which the client may recover.
    issuer: Option<RecoveryTokenIssuer>,
    held: Mutex<Option<HeldEvents>>,
}

/// What happens while a session is being restored. It is sent behind the replay, with offsets that go on from
/// there: one that named only what was joined by then would have the client sent the replay again, if it
/// is cut off with that offset.
struct HeldEvents {
    events: Vec<(OutgoingEvent, Delivery)>,
    /// The most events that wait; the session of a client that has more to be sent ends.
    events_max: usize,
}

/// How an event is sent.
#[derive(Clone, Copy)]
enum Delivery {
    Durable,
    Answer,
    Volatile,
}

impl SocketEventSink {
    fn new(socket: Socket, issuer: Option<RecoveryTokenIssuer>) -> Self {
        Self { socket, issuer, held: Mutex::new(None) }
    }

    /// A sink that sends nothing before [`Self::send_held`]; at most `events_max` events wait for that.
    fn holding(socket: Socket, issuer: RecoveryTokenIssuer, events_max: usize) -> Self {
        let held = HeldEvents { events: Vec::new(), events_max };
        Self { socket, issuer: Some(issuer), held: Mutex::new(Some(held)) }
    }

    /// Sends what has been held, and from now on everything at once. The session has been sent what `subscriptions`
    /// says, and what happened elsewhere before `at`.
    fn send_held(&self, mut subscriptions: Subscriptions, at: Timestamp) {
        // Locked until all is sent: what comes now is sent after that.
        let mut held = self.held();
        for (event, delivery) in held.take().into_iter().flat_map(|held| held.events) {
            let sent = match delivery {
                Delivery::Volatile => self.post_volatile(&event),
                Delivery::Durable | Delivery::Answer => {
                    let event = subscriptions.advance(&event);
                    self.post(event, delivery, |issuer| issuer.offset_as_of(&subscriptions, at))
                }
            };
            if sent.is_err() {
                // The connection has ended, and with it the attempt to recover the session.
                return;
            }
        }
    }

    /// Keeps `event` if the session is being restored. `None` when it is to be sent now.
    fn hold(&self, event: &OutgoingEvent, delivery: Delivery) -> Option<Result<(), SessionClosed>> {
        let mut held = self.held();
        let held = held.as_mut()?;
        if held.events.len() < held.events_max {
            held.events.push((event.clone(), delivery));
        } else if !matches!(delivery, Delivery::Volatile) {
            self.socket.fail_session();
            return Some(Err(SessionClosed));
        }
        Some(Ok(()))
    }

    /// Sends `event` with its offset, where the client takes those. One that could not be encoded was logged
    /// then.
    fn post(
        &self,
        event: &OutgoingEvent,
        delivery: Delivery,
        offset: impl FnOnce(&RecoveryTokenIssuer) -> String,
    ) -> Result<(), SessionClosed> {
        let Some(frame) = event.frame() else { return Ok(()) };
        let frame = match &self.issuer {
            Some(issuer) => Cow::Owned(frame.offset_by(&offset(issuer))),
            None => Cow::Borrowed(frame),
        };
        let sent = match delivery {
            Delivery::Answer => self.socket.send_answer(&frame),
            Delivery::Durable | Delivery::Volatile => self.socket.send(&frame),
        };
        sent.map_err(|_| SessionClosed)
    }

    fn post_volatile(&self, event: &OutgoingEvent) -> Result<(), SessionClosed> {
        let Some(frame) = event.frame() else { return Ok(()) };
        match self.socket.send_volatile(frame) {
            Ok(()) | Err(EmitError::Dropped) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "an event did not reach its session");
                Err(SessionClosed)
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<HeldEvents>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for SocketEventSink {
    fn send(
        &self,
        event: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed> {
        let delivery = Delivery::Durable;
        self.hold(event, delivery)
            .unwrap_or_else(|| self.post(event, delivery, |issuer| issuer.offset(subscriptions)))
    }

    fn answer(
        &self,
        event: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed> {
        let delivery = Delivery::Answer;
        self.hold(event, delivery)
            .unwrap_or_else(|| self.post(event, delivery, |issuer| issuer.offset(subscriptions)))
    }

    fn send_volatile(&self, event: &OutgoingEvent) {
        let sent = self.hold(event, Delivery::Volatile);
        // That the session has ended is noticed by what must not be lost.
        let _ = sent.unwrap_or_else(|| self.post_volatile(event));
    }

    fn silent_for(&self) -> Duration {
        self.socket.silent_for()
    }

    fn disconnect(&self, cause: DisconnectCause) {
        match cause {
            DisconnectCause::TokenExpired | DisconnectCause::Forgotten => self.socket.disconnect(),
            DisconnectCause::Failed => self.socket.fail_session(),
        }
    }
}

// A client whose connection may be recovered: it connects for the first time, or again.

/// One CONNECT of a client to which recovery is offered.
struct ConnectHandler<'a> {
    namespace: &'a MessagingNamespace,
    key: &'a RecoveryKey,
    socket: Socket,
}

impl ConnectHandler<'_> {
    /// Recovers the client's session if its token is valid and what it missed can be sent; else opens a
    /// new one, with `resync` if it had one before.
    async fn connect(
        self,
        admitted: AuthenticatedClient,
        request: Option<&RecoveryRequest>,
    ) -> Result<Accepted, Failure> {
        let claim =
            request.and_then(|request| VerifiedRecovery::check(self.key, admitted.user(), request));
        match claim.filter(|claim| self.is_free(claim)) {
            Some(claim) => self.recover(admitted, claim).await,
            None => self.begin(admitted, request.is_some()),
        }
    }

    /// Whether no session has this id, or only one that a lost connection may have left behind.
    fn is_free(&self, claim: &VerifiedRecovery) -> bool {
        let MessagingNamespace { context, table } = self.namespace;
        let active = table.get(&claim.socket_id);
        active.is_none_or(|active| active.may_be_replaced(context.clock.now()))
    }

    async fn recover(
        self,
        admitted: AuthenticatedClient,
        mut claim: VerifiedRecovery,
    ) -> Result<Accepted, Failure> {
        let MessagingNamespace { context, table } = self.namespace;
        let issuer = self.issuer(&claim.socket_id, &admitted);
        let is_active = table.get(&claim.socket_id).is_some();
        let admitted = if is_active { admitted.in_place_of_another() } else { admitted };
        let sink = SocketEventSink::holding(
            self.socket.clone(),
            issuer.clone(),
            context.settings.socket.mailbox_messages,
        );
        let sink = Arc::new(sink);
        let session = Session::enter(context, admitted, sink.clone())?;
        let (lease, former) = table.take(&claim.socket_id, self.active_session(&session));
        let former = former.map(|former| former.into_takeover(&context.hub));
        if let Some(rooms) = former.as_ref().and_then(PendingTakeover::rooms) {
            let at = context.clock.now();
            table.remember(&claim.socket_id, LastState { rooms, at });
        }
        let last = table.recall(&claim.socket_id);
        if last.as_ref().is_some_and(|last| last.knows_more_than(&claim)) {
            drop((former, lease));
            return self.begin(session.release(), true);
        }
        if let Some(last) = &last {
            claim.corrected_by(last);
        }
        let restored = session.restore(&claim.subscriptions, claim.at).await;
        // Not before its successor has joined the rooms, so that no `user-left` is sent.
        drop(former);
        match restored {
            Ok(Some(replay)) => {
                let frames = frames(&issuer, claim.at, &replay.events);
                sink.send_held(replay.subscriptions, claim.at);
                let accepted = self.accept(session, &issuer, lease);
                Ok(accepted.recovered(claim.socket_id, frames))
            }
            Ok(None) => {
                drop(lease);
                self.begin(session.release(), true)
            }
            Err(failure) => {
                session.end(&"it could not be restored");
                Err(failure)
            }
        }
    }

    fn begin(self, admitted: AuthenticatedClient, was_here: bool) -> Result<Accepted, Failure> {
        let socket_id = self.socket.id().to_string();
        let issuer = self.issuer(&socket_id, &admitted);
        let sink = SocketEventSink::new(self.socket.clone(), Some(issuer.clone()));
        let session = Session::enter(&self.namespace.context, admitted, Arc::new(sink))?;
        let (lease, _nobody) = self.namespace.table.take(&socket_id, self.active_session(&session));
        if was_here && let Some(event) = events::resync(None) {
            session.answer(&event);
        }
        Ok(self.accept(session, &issuer, lease))
    }

    fn active_session(&self, session: &Session) -> ActiveSession {
        let since = self.namespace.context.clock.now();
        ActiveSession { key: session.key(), socket: self.socket.clone(), since }
    }

    fn issuer(&self, socket_id: &str, admitted: &AuthenticatedClient) -> RecoveryTokenIssuer {
        let clock = self.namespace.context.clock.clone();
        RecoveryTokenIssuer::new(self.key.clone(), socket_id, admitted.user().clone(), clock)
    }

    fn accept(
        self,
        session: Session,
        issuer: &RecoveryTokenIssuer,
        lease: SessionLease<ActiveSession>,
    ) -> Accepted {
        let (socket, intake) = (self.socket, session.intake());
        let accepted = Accepted::new(SocketSession::new(session, socket, Some(lease)));
        accepted.with_intake(intake).with_pid(issuer.pid())
    }
}

/// The frames of a replay, each with its offset. Until the client has received all of them, what
/// happened in other conversations has to be read from the moment of the cut on.
fn frames(
    issuer: &RecoveryTokenIssuer,
    at: Timestamp,
    events: &[(OutgoingEvent, Subscriptions)],
) -> Vec<Frame> {
    let framed = events.iter().filter_map(|(event, subscriptions)| {
        Some(event.frame()?.offset_by(&issuer.offset_as_of(subscriptions, at)))
    });
    framed.collect()
}

#[cfg(test)]
mod tests;
