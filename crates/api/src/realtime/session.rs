//! One session of one person: who it is, and what each of its commands does. How commands arrive and
//! answers leave is the front door's; that they come one after another is the actor's.

use std::{fmt, net::IpAddr, sync::Arc};

use domain::{
    Messaging,
    conversation::{ledger::ReadTarget, message::Draft},
    ids::{ConversationId, MessageId, Seq, UserId},
    participant::Caller,
    participant::directory::Directory,
    ports::{Clock, TokenError, TokenVerifier},
};
use serde_json::{Map, Value, json};

use super::{
    admission::{ConnectionLimiter, EventBudget, SessionIntake, SessionPermit},
    commands::Command,
    events::{self, OutgoingEvent},
    hub::{Hub, JoinNotice, SessionKey},
    registry::{DisconnectCause, EventSink},
    settings::Settings,
    subscriptions::LastState,
};
use crate::{
    authenticator::person,
    dto,
    error::{Code, Failure},
    limits::Limits,
    session_ends::SessionEndReader,
    texts,
};

/// What every session works with.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) hub: Hub,
    pub(super) messaging: Messaging,
    pub(super) directory: Directory,
    pub(super) tokens: Arc<dyn TokenVerifier>,
    pub(super) session_ends: Arc<SessionEndReader>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    pub(super) connection_limiter: ConnectionLimiter,
    pub(super) event_budget: EventBudget,
}

/// One session of one person.
pub(super) struct Session {
    pub(super) context: Arc<Context>,
    pub(super) caller: Caller,
    pub(super) key: SessionKey,
    place: SessionPermit,
    _registration: Registration,
}

/// The session's place in the hub. Dropping it removes the session there, also when a connection attempt is given
/// up before the session is ended.
struct Registration {
    hub: Hub,
    key: SessionKey,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.hub.exit(self.key);
    }
}

/// A client whose token is valid and for whom there is room.
pub(super) struct AuthenticatedClient {
    caller: Caller,
    place: SessionPermit,
    /// Another session of this person is about to end in favour of this one.
    replaces: bool,
}

impl AuthenticatedClient {
    pub(super) fn user(&self) -> &UserId {
        &self.caller.user
    }

    /// It replaces a session of the same person that is about to end, so it may exceed their limit by one.
    pub(super) fn in_place_of_another(self) -> Self {
        Self { replaces: true, ..self }
    }
}

/// A client that wants to open a session.
pub(super) struct ConnectAttempt<'a> {
    /// The raw token; a `Bearer ` prefix is accepted.
    pub(super) token: Option<&'a str>,
    /// The client's address.
    pub(super) address: IpAddr,
}

impl Session {
    /// Opens a session for the person whom the token names. From here on `sink` is sent their events.
    ///
    /// # Errors
    /// `unauthorized`, `token_expired`, `too_many_sessions`, or the store's failure.
    pub(super) async fn begin(
        context: &Arc<Context>,
        attempt: ConnectAttempt<'_>,
        sink: Arc<dyn EventSink>,
    ) -> Result<Self, Failure> {
        let admitted = Self::admit(context, attempt).await?;
        Self::enter(context, admitted, sink)
    }

    /// Verifies the token, for [`enter`](Self::enter).
    ///
    /// # Errors
    /// See [`begin`](Self::begin).
    pub(super) async fn admit(
        context: &Context,
        attempt: ConnectAttempt<'_>,
    ) -> Result<AuthenticatedClient, Failure> {
        let place = context.connection_limiter.take_place(attempt.address).ok_or_else(too_many)?;
        let caller = caller(context, attempt.token).await?;
        Ok(AuthenticatedClient { caller, place, replaces: false })
    }

    /// Opens the session. From here on `sink` is sent the events of its person.
    ///
    /// # Errors
    /// `too_many_sessions`, or `unauthorized` or `token_expired` for a token that was ended meanwhile.
    pub(super) fn enter(
        context: &Arc<Context>,
        admitted: AuthenticatedClient,
        sink: Arc<dyn EventSink>,
    ) -> Result<Self, Failure> {
        let AuthenticatedClient { caller, place, replaces } = admitted;
        let Context { hub, settings, .. } = &**context;
        let bound = settings.sessions_per_person_max.saturating_add(usize::from(replaces));
        let entered = hub.enter(&caller.user, sink, &caller, bound);
        let key = entered.ok_or_else(too_many)?;
        let registration = Registration { hub: hub.clone(), key };
        // It may have been ended since it was verified, before it could be found here.
        hub.ended_tokens().check(&caller)?;
        hub.schedule_unread_update(&caller.user);
        hub.presence().session_opened(&caller.user, key);
        tracing::debug!(user.id = %caller.user, "session begins");
        Ok(Self { context: context.clone(), caller, key, place, _registration: registration })
    }

    /// Ends the session as if it had never begun; the client may enter another.
    pub(super) fn release(self) -> AuthenticatedClient {
        AuthenticatedClient { caller: self.caller, place: self.place, replaces: false }
    }

    /// Identifies it on this node.
    pub(super) fn key(&self) -> SessionKey {
        self.key
    }

    /// Sends this session `event`, which answers what it asked for.
    pub(super) fn answer(&self, event: &OutgoingEvent) {
        self.context.hub.answer(self.key, event);
    }

    /// Executes a command and returns what it is acknowledged with.
    ///
    /// # Errors
    /// What the client is sent; faults of the server are logged already.
    pub(super) async fn dispatch(&mut self, command: Command) -> Result<Value, Failure> {
        self.execute(command).await.inspect_err(Failure::log)
    }

    /// Makes room for the events of this session, on behalf of a front door.
    pub(super) fn intake(&self) -> Arc<SessionIntake> {
        Arc::new(self.context.event_budget.session(&self.caller.user))
    }

    /// Which conversations it has joined, as of now.
    pub(super) fn last_state(&self) -> LastState {
        let rooms = self.context.hub.rooms_of(self.key).unwrap_or_default();
        LastState { rooms, at: self.context.clock.now() }
    }

    /// Ends the session for this reason.
    pub(super) fn end(self, reason: &dyn fmt::Display) {
        self.context.hub.exit(self.key);
        tracing::debug!(user.id = %self.caller.user, %reason, "session ended");
    }

    async fn execute(&mut self, command: Command) -> Result<Value, Failure> {
        let expired = self.caller.expires_at.is_some_and(|end| end <= self.context.clock.now());
        if expired && !matches!(command, Command::Refresh { .. }) {
            return Err(TokenError::Expired.into());
        }
        if !matches!(command, Command::Refresh { .. }) {
            self.context.hub.ended_tokens().check(&self.caller)?;
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

// Sending and marking.

impl Session {
    async fn send(&self, conversation: &ConversationId, draft: Draft) -> Result<Value, Failure> {
        let Context { hub, messaging, limits, .. } = &*self.context;
        limits.allow_send(&self.caller.user)?;
        let sent = messaging.send_message(conversation, &self.caller.user, draft).await?;
        encode(&dto::Message::new(&sent.message, hub.links()))
    }

    async fn mark_message(&self, id: &MessageId) -> Result<Value, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let marked = messaging.mark_message_read(id, &self.caller.user).await;
        let message = marked.map_err(Failure::of_message)?;
        encode(&dto::Message::new(&message, hub.links()))
    }

    /// Where this session has joined, up to what it was sent there: what was never displayed is not
    /// marked. Elsewhere, up to the newest message at that moment.
    async fn mark_conversation(&self, conversation: &ConversationId) -> Result<Value, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let user = &self.caller.user;
        let joined = hub.membership(self.key, conversation);
        let target =
            joined.map_or(ReadTarget::Everything, |joined| ReadTarget::UpTo(joined.delivered_seq));
        let marked = messaging.mark_conversation_read(conversation, user, target).await;
        let marked = marked.map_err(Failure::of_conversation)?;
        Ok(json!({ "conversationId": conversation.as_str(), "unreadCount": marked.unread }))
    }
}

fn encode(message: &dto::Message) -> Result<Value, Failure> {
    serde_json::to_value(message).map_err(Failure::internal)
}

// The person whom a token names.

/// The person whom `token` names; their profile in the directory is updated from it.
///
/// # Errors
/// `unauthorized`, `token_expired`, `forbidden` for a program, or the store's failure.
async fn caller(context: &Context, token: Option<&str>) -> Result<Caller, Failure> {
    let token = token.ok_or(TokenError::Invalid)?;
    let caller = person(context.tokens.verify(without_scheme(token))?)?;
    context.session_ends.check(&caller).await?;
    context.directory.sync_profile(&caller).await?;
    Ok(caller)
}

/// The token comes raw; a `Bearer ` in front of it is tolerated (D11).
fn without_scheme(token: &str) -> &str {
    match token.split_at_checked(7) {
        Some((scheme, raw)) if scheme.eq_ignore_ascii_case("bearer ") => raw.trim_start(),
        _ => token,
    }
}

// Another token for the same session (D11).

impl Session {
    /// Takes `token` in place of the one before. The session now lasts as long as it does.
    async fn refresh(&mut self, token: &str) -> Result<Value, Failure> {
        let caller = caller(&self.context, Some(token)).await?;
        // Rooms were joined by the rights of the role.
        if caller.user != self.caller.user || caller.role != self.caller.role {
            return Err(Failure::new(Code::Unauthorized, texts::NOT_AUTHENTICATED));
        }
        let hub = &self.context.hub;
        hub.renew(self.key, &caller);
        // It may have been ended since it was verified.
        if let Err(ended) = hub.ended_tokens().check(&caller) {
            hub.disconnect_ended(&caller.user, DisconnectCause::TokenExpired);
            return Err(ended.into());
        }
        let ends = caller.expires_at.map(|end| ("expiresAt".to_owned(), end.to_string().into()));
        self.caller = caller;
        Ok(Value::Object(Map::from_iter(ends)))
    }
}

// Joining conversations and leaving them.

impl Session {
    async fn join(
        &self,
        conversation: &ConversationId,
        visible: bool,
        after: Option<Seq>,
    ) -> Result<Value, Failure> {
        let Context { hub, settings, .. } = &*self.context;
        if !hub.may_join(self.key, conversation, settings.rooms_per_session_max) {
            return Err(Failure::new(Code::TooManyRooms, texts::TOO_MANY_ROOMS));
        }
        let user = &self.caller.user;
        // Before anything is read, so that what follows the opening connects to it without a gap.
        let pending = hub.begin_join(self.key, conversation, visible);
        let opening = self.opening(conversation, after).await?;
        pending.complete(user, &opening.as_opening(), JoinNotice::Always);
        let mut answer =
            json!({ "conversationId": conversation.as_str(), "lastSeq": opening.since.get() });
        if opening.resync {
            answer["resync"] = true.into();
        }
        Ok(answer)
    }

    /// Leaving marks what was displayed as read: only for a session that had joined visibly, and
    /// only up to what it was sent.
    async fn leave(&self, conversation: &ConversationId) -> Result<Value, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let membership = hub.membership(self.key, conversation);
        if let Some(seen) = membership.filter(|membership| membership.visible) {
            let target = ReadTarget::UpTo(seen.delivered_seq);
            let marked = messaging.mark_conversation_read(conversation, &self.caller.user, target);
            let marked = marked.await;
            self.leave_and_notify(conversation);
            marked.map_err(Failure::of_conversation)?;
        } else if membership.is_some() {
            self.leave_and_notify(conversation);
        }
        Ok(json!({ "conversationId": conversation.as_str() }))
    }

    /// The session itself is sent `user-left` ahead of the acknowledgement: the event carries the offset
    /// with which a recovery leads back to the rooms of now, without this one.
    fn leave_and_notify(&self, conversation: &ConversationId) {
        self.context.hub.leave(self.key, conversation);
        if let Some(event) = events::user_left(&self.caller.user, conversation) {
            self.answer(&event);
        }
    }
}

// Typing.

impl Session {
    /// Only where this session has joined: its membership was checked then.
    fn write(&self, conversation: &ConversationId, writes: bool) -> Result<Value, Failure> {
        let hub = &self.context.hub;
        if hub.membership(self.key, conversation).is_none() {
            return Err(Failure::conversation_not_found());
        }
        let (typing, user) = (hub.typing(), &self.caller.user);
        if writes {
            typing.start(user, conversation, self.key);
        } else {
            typing.stop(user, conversation, self.key);
        }
        Ok(json!({ "conversationId": conversation.as_str() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_in_front_of_a_token_is_tolerated() {
        for token in ["abc.def", "Bearer abc.def", "bearer  abc.def"] {
            assert_eq!(without_scheme(token), "abc.def");
        }
        assert_eq!(without_scheme("é"), "é");
        assert_eq!(without_scheme("Bearer"), "Bearer");
    }
}
