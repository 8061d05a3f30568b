//! The Socket.IO door: who may connect, and what is said through it.

use std::{borrow::Cow, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use socketio::{
    Accepted, Acknowledger, ConnectRequest, DisconnectReason, EmitError, Event, Frame, Handler,
    Namespace, RecoveryRequest, Refusal, Socket,
};

use super::{
    commands::{self, Answer, EventName, error_event},
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
    input::{Fields, Object},
    texts::{self, Language},
};

/// The namespace of conversations.
pub(super) struct MessagingNamespace {
    context: Arc<Context>,
    table: SessionTable<ActiveSession>,
}

/// Whether the client wants to go on where it was cut off, if it says so: `true` or `false`, also as
/// texts, for clients that know but those.
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
        let auth = Object::parse(request.auth.get()).unwrap_or_default();
        auth.check()?;
        let newcomer = ConnectAttempt {
            token: auth.fields.get("token").and_then(Value::as_str),
            address: self.context.limits.address_of_connection(&request),
        };
        let admitted = Session::admit(&self.context, newcomer).await?;
        let Settings { recovery_key, recovery_offered, .. } = &self.context.settings;
        let wish = recovery_wish(&auth.fields);
        match recovery_key.as_ref().filter(|_| recovery_offered.to(wish)) {
            None => {
                let outlet = Arc::new(SocketEventSink { socket: socket.clone(), issuer: None });
                let session = Session::enter(&self.context, admitted, outlet)?;
                Ok(Accepted::new(SocketSession { session, socket, hold: None }))
            }
            Some(key) => {
                let visit = ConnectHandler { door: self, key, socket };
                visit.receive(admitted, request.recovery.as_ref()).await
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

// What a Socket.IO client says, and the answers to it.

/// A session behind a Socket.IO socket.
struct SocketSession {
    session: Session,
    socket: Socket,
    /// The id by which the client comes back, where it can.
    hold: Option<SessionLease<ActiveSession>>,
}

#[async_trait]
impl Handler for SocketSession {
    async fn event(&mut self, event: Event) {
        let Some(name) = EventName::parse(&event.name) else { return };
        let payload = commands::payload(&event.args);
        let outcome = self.session.dispatch(name, &payload).await;
        match (event.ack, &outcome) {
            (Some(ack), _) => acknowledge(ack, &Answer::to(name, &outcome)),
            (None, Ok(_)) => {}
            (None, Err(failure)) => {
                let key = commands::client_message_id(&payload);
                let error_event = error_event(name, key, failure);
                if let Some(frame) = error_event.as_ref().and_then(|told| told.frame()) {
                    lost(self.socket.send_answer(frame));
                }
            }
        }
    }

    async fn disconnected(self: Box<Self>, reason: DisconnectReason) {
        let parting = self.session.end(&reason);
        if let Some(hold) = self.hold {
            hold.release(parting);
        }
    }
}

fn acknowledge(ack: Acknowledger, answer: &Answer<'_>) {
    lost(ack.send(answer));
}

/// An answer does not reach a client that is gone or too slow; it asks again under the same key.
fn lost(sent: Result<(), EmitError>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "an answer did not reach its session");
    }
}

// The way out to a Socket.IO client.

/// The way out to a Socket.IO client.
struct SocketEventSink {
    socket: Socket,
    /// Writes the offsets by which the client may come back.
    issuer: Option<RecoveryTokenIssuer>,
}

impl SocketEventSink {
    /// `told` with its offset, where the client takes those. What cannot be framed was written down
    /// when that was tried.
    fn frame<'a>(
        &self,
        told: &'a OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Option<Cow<'a, Frame>> {
        let frame = told.frame()?;
        Some(match &self.issuer {
            Some(issuer) => Cow::Owned(frame.offset_by(&issuer.offset(subscriptions))),
            None => Cow::Borrowed(frame),
        })
    }
}

impl EventSink for SocketEventSink {
    fn send(
        &self,
        told: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed> {
        let Some(frame) = self.frame(told, subscriptions) else { return Ok(()) };
        self.socket.send(&frame).map_err(|_| SessionClosed)
    }

    fn answer(
        &self,
        told: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed> {
        let Some(frame) = self.frame(told, subscriptions) else { return Ok(()) };
        self.socket.send_answer(&frame).map_err(|_| SessionClosed)
    }

    fn send_volatile(&self, told: &OutgoingEvent) {
        let Some(frame) = told.frame() else { return };
        match self.socket.send_volatile(frame) {
            Ok(()) | Err(EmitError::Dropped) => {}
            Err(error) => tracing::debug!(%error, "an event did not reach its session"),
        }
    }

    fn silent_for(&self) -> Duration {
        self.socket.silent_for()
    }

    fn disconnect(&self, _: DisconnectCause) {
        self.socket.disconnect();
    }
}

// A client that may come back: for the first time, or again.

/// One client at the door.
struct ConnectHandler<'a> {
    door: &'a MessagingNamespace,
    key: &'a RecoveryKey,
    socket: Socket,
}

impl ConnectHandler<'_> {
    /// Lets the client go on where it was, if it proves that and it can be told what it missed;
    /// else it begins anew, and is told so if it was here before.
    async fn receive(
        self,
        admitted: AuthenticatedClient,
        request: Option<&RecoveryRequest>,
    ) -> Result<Accepted, Failure> {
        let claim =
            request.and_then(|request| VerifiedRecovery::check(self.key, admitted.user(), request));
        match claim.filter(|claim| self.is_free(claim)) {
            Some(claim) => self.go_on(admitted, claim).await,
            None => self.begin(admitted, request.is_some()),
        }
    }

    /// Whether nobody is this session, or only one that a client which lost its connection would
    /// leave behind.
    fn is_free(&self, claim: &VerifiedRecovery) -> bool {
        let MessagingNamespace { context, table } = self.door;
        let tenant = table.tenant(&claim.socket_id);
        tenant.is_none_or(|tenant| tenant.may_be_replaced(context.clock.now()))
    }

    async fn go_on(
        self,
        admitted: AuthenticatedClient,
        mut claim: VerifiedRecovery,
    ) -> Result<Accepted, Failure> {
        let MessagingNamespace { context, table } = self.door;
        let issuer = self.issuer(&claim.socket_id, &admitted);
        let is_held = table.tenant(&claim.socket_id).is_some();
        let admitted = if is_held { admitted.in_place_of_another() } else { admitted };
        let session = self.enter(admitted, &issuer)?;
        let (hold, former) = table.take(&claim.socket_id, self.tenant(&session));
        let former = former.map(|former| former.leaving(&context.hub));
        if let Some(rooms) = former.as_ref().and_then(PendingTakeover::rooms) {
            let at = context.clock.now();
            table.remember(&claim.socket_id, LastState { rooms, at });
        }
        let last = table.recall(&claim.socket_id);
        if last.as_ref().is_some_and(|last| last.knows_more_than(&claim)) {
            drop((former, hold));
            return self.begin(session.release(), true);
        }
        if let Some(last) = &last {
            claim.corrected_by(last);
        }
        let restored = session.restore(&claim.subscriptions, claim.at).await;
        // Not before its successor is in its rooms: nobody need hear that it went.
        drop(former);
        match restored {
            Ok(Some(replay)) => {
                let frames = frames(&issuer, &claim, &replay);
                let accepted = self.accept(session, &issuer, hold);
                Ok(accepted.recovered(claim.socket_id, frames))
            }
            Ok(None) => {
                drop(hold);
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
        let session = self.enter(admitted, &issuer)?;
        let (hold, _nobody) = self.door.table.take(&socket_id, self.tenant(&session));
        if was_here && let Some(event) = events::resync(None) {
            session.answer(&event);
        }
        Ok(self.accept(session, &issuer, hold))
    }

    fn tenant(&self, session: &Session) -> ActiveSession {
        let since = self.door.context.clock.now();
        ActiveSession { key: session.key(), socket: self.socket.clone(), since }
    }

    fn issuer(&self, socket_id: &str, admitted: &AuthenticatedClient) -> RecoveryTokenIssuer {
        let clock = self.door.context.clock.clone();
        RecoveryTokenIssuer::new(self.key.clone(), socket_id, admitted.user().clone(), clock)
    }

    fn enter(
        &self,
        admitted: AuthenticatedClient,
        issuer: &RecoveryTokenIssuer,
    ) -> Result<Session, Failure> {
        let (socket, issuer) = (self.socket.clone(), Some(issuer.clone()));
        Session::enter(&self.door.context, admitted, Arc::new(SocketEventSink { socket, issuer }))
    }

    fn accept(
        self,
        session: Session,
        issuer: &RecoveryTokenIssuer,
        hold: SessionLease<ActiveSession>,
    ) -> Accepted {
        let socket = self.socket;
        let accepted = Accepted::new(SocketSession { session, socket, hold: Some(hold) });
        accepted.with_pid(issuer.pid())
    }
}

/// What is told again, each with its offset. As long as not all of it was received, what happened
/// elsewhere has to be looked for as of the moment of the cut.
fn frames(
    issuer: &RecoveryTokenIssuer,
    claim: &VerifiedRecovery,
    replay: &[(OutgoingEvent, Subscriptions)],
) -> Vec<Frame> {
    let framed = replay.iter().filter_map(|(told, subscriptions)| {
        let offset = issuer.offset_as_of(subscriptions, claim.at);
        Some(told.frame()?.offset_by(&offset))
    });
    framed.collect()
}

#[cfg(test)]
mod tests;
