//! One session of one person, whichever door it came through: from a command to what is done about
//! it. How commands arrive and answers leave is the door's.

mod identity;
mod messages;
mod refresh;
mod restore;
mod resume;
mod rooms;
mod typing;

use std::{fmt, net::IpAddr, sync::Arc};

use domain::{
    Messaging,
    caller::Caller,
    id::UserId,
    ports::{Clock, TokenError, TokenVerifier},
};
use serde_json::Value;

use super::{
    Settings,
    connection_limiter::{ConnectionLimiter, SessionPermit},
    hub::{Hub, SessionKey},
    inbound::{self, Command, EventName},
    outlet::EventSink,
    recovery::LastState,
    told::OutgoingEvent,
};
use crate::{code::Code, failure::Failure, input::Object, limits::Limits, texts};

/// What every session works with.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) hub: Hub,
    pub(super) messaging: Messaging,
    pub(super) tokens: Arc<dyn TokenVerifier>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    pub(super) connection_limiter: ConnectionLimiter,
}

/// One session of one person.
pub(super) struct Session {
    context: Arc<Context>,
    caller: Caller,
    key: SessionKey,
    place: SessionPermit,
    _seat: Registration,
}

/// What the hub knows of a session, for as long as that lasts: a newcomer may also be given up
/// before anybody comes to end the session.
struct Registration {
    hub: Hub,
    key: SessionKey,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.hub.exit(self.key);
    }
}

/// Somebody who may come in.
pub(super) struct AuthenticatedClient {
    caller: Caller,
    place: SessionPermit,
    /// One session of theirs is about to end in favour of this one.
    replaces: bool,
}

impl AuthenticatedClient {
    pub(super) fn user(&self) -> &UserId {
        &self.caller.user
    }

    /// In place of a session of theirs that is about to end, and therefore beyond their bound.
    pub(super) fn in_place_of_another(self) -> Self {
        Self { replaces: true, ..self }
    }
}

/// Somebody at a door.
pub(super) struct ConnectAttempt<'a> {
    /// What they say who they are, without or with `Bearer`.
    pub(super) token: Option<&'a str>,
    /// Where they come from.
    pub(super) address: IpAddr,
}

impl Session {
    /// Lets whoever the newcomer's token names in. From here on `outlet` hears what concerns them.
    ///
    /// # Errors
    /// `unauthorized`, `token_expired`, `too_many_sessions`, or the store's failure.
    pub(super) async fn begin(
        context: &Arc<Context>,
        newcomer: ConnectAttempt<'_>,
        outlet: Arc<dyn EventSink>,
    ) -> Result<Self, Failure> {
        let admitted = Self::admit(context, newcomer).await?;
        Self::enter(context, admitted, outlet)
    }

    /// Finds out who the newcomer is, for [`enter`](Self::enter).
    ///
    /// # Errors
    /// See [`begin`](Self::begin).
    pub(super) async fn admit(
        context: &Context,
        newcomer: ConnectAttempt<'_>,
    ) -> Result<AuthenticatedClient, Failure> {
        let place = context.connection_limiter.take_place(newcomer.address).ok_or_else(too_many)?;
        let caller = identity::caller(context, newcomer.token).await?;
        Ok(AuthenticatedClient { caller, place, replaces: false })
    }

    /// Lets somebody in. From here on `outlet` hears what concerns them.
    ///
    /// # Errors
    /// `too_many_sessions`.
    pub(super) fn enter(
        context: &Arc<Context>,
        admitted: AuthenticatedClient,
        outlet: Arc<dyn EventSink>,
    ) -> Result<Self, Failure> {
        let AuthenticatedClient { caller, place, replaces } = admitted;
        let Context { hub, settings, .. } = &**context;
        let bound = settings.sessions_per_person_max.saturating_add(usize::from(replaces));
        let entered = hub.enter(&caller.user, outlet, caller.expires_at, bound);
        let key = entered.ok_or_else(too_many)?;
        let seat = Registration { hub: hub.clone(), key };
        hub.schedule_unread_update(&caller.user);
        hub.presence_tracker().session_opened(hub, &caller.user, key);
        tracing::debug!(user.id = %caller.user, "session begins");
        Ok(Self { context: context.clone(), caller, key, place, _seat: seat })
    }

    /// Ends the session as if it had never begun; its person may enter another.
    pub(super) fn release(self) -> AuthenticatedClient {
        AuthenticatedClient { caller: self.caller, place: self.place, replaces: false }
    }

    /// Names it on this node.
    pub(super) fn key(&self) -> SessionKey {
        self.key
    }

    /// Says `told`, which answers what it asked for, to this session alone.
    pub(super) fn tell(&self, told: &OutgoingEvent) {
        self.context.hub.answer_session(self.key, told);
    }

    /// Does what the event `name` with this payload asks for, and returns what it is acknowledged
    /// with. To be called for one event after another, in the order in which they came.
    ///
    /// # Errors
    /// What the client is to be told; what is our fault is written down already.
    pub(super) async fn dispatch(
        &mut self,
        name: EventName,
        payload: &Object,
    ) -> Result<Value, Failure> {
        let outcome = match inbound::command(name, payload) {
            Ok(command) => self.execute(command).await,
            Err(failure) => Err(failure),
        };
        outcome.inspect_err(Failure::log)
    }

    /// The session is over, for this reason. Returns where it was.
    pub(super) fn end(self, reason: &dyn fmt::Display) -> LastState {
        let rooms = self.context.hub.exit(self.key);
        tracing::debug!(user.id = %self.caller.user, %reason, "session ended");
        LastState { rooms, at: self.context.clock.now() }
    }

    async fn execute(&mut self, command: Command) -> Result<Value, Failure> {
        self.context.limits.allow_command(&self.caller.user)?;
        let expired = self.caller.expires_at.is_some_and(|end| end <= self.context.clock.now());
        if expired && !matches!(command, Command::Refresh { .. }) {
            return Err(TokenError::Expired.into());
        }
        match command {
            Command::Refresh { token } => self.refresh(&token.0).await,
            Command::Join { conversation, visible, after } => {
                self.join(&conversation, visible, after).await
            }
            Command::Sync { conversations } => self.sync(&conversations).await,
            Command::Leave { conversation } => self.leave(&conversation).await,
            Command::Send { conversation, draft } => self.send(&conversation, draft).await,
            Command::Write { conversation, writes } => self.write(&conversation, writes),
            Command::MarkMessage { message } => self.mark_message(&message).await,
            Command::MarkConversation { conversation } => {
                self.mark_conversation(&conversation).await
            }
        }
    }
}

fn too_many() -> Failure {
    Failure::new(Code::TooManySessions, texts::TOO_MANY_SESSIONS)
}
