//! One socket of one person: from a command to what is done about it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Messaging,
    caller::Caller,
    id::{ConversationId, MessageId},
    message::Draft,
    page::Window,
    ports::{Clock, ReadTarget, TokenError},
};
use serde_json::{Value, json};
use socketio::{DisconnectReason, EmitError, Event, Handler, Socket};

use super::{
    Settings,
    answer::answer,
    hub::{Hub, SessionKey},
    inbound::{self, Command, EventName},
    outbound,
};
use crate::{code::Code, failure::Failure, limits::Limits, texts, wire};

/// What every session works with.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) hub: Hub,
    pub(super) messaging: Messaging,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
}

/// One socket of one person.
pub(super) struct Session {
    pub(super) context: Arc<Context>,
    pub(super) caller: Caller,
    pub(super) key: SessionKey,
    pub(super) socket: Socket,
}

#[async_trait]
impl Handler for Session {
    async fn event(&mut self, event: Event) {
        let Some(name) = EventName::parse(&event.name) else { return };
        let payload = inbound::payload(&event.args).unwrap_or_default();
        let outcome = match inbound::command(name, &payload) {
            Ok(command) => self.carry_out(command).await,
            Err(failure) => Err(failure),
        };
        let client_message_id = inbound::client_message_id(&payload);
        answer(&self.socket, name, client_message_id, event.ack, &outcome);
    }

    async fn disconnected(self: Box<Self>, reason: DisconnectReason) {
        self.context.hub.exit(self.key);
        tracing::debug!(user.id = %self.caller.user, %reason, "session ended");
    }
}

impl Session {
    async fn carry_out(&self, command: Command) -> Result<Value, Failure> {
        if self.caller.expires_at.is_some_and(|end| end <= self.context.clock.now()) {
            return Err(TokenError::Expired.into());
        }
        self.context.limits.allow_command(&self.caller.user)?;
        match command {
            Command::Join { conversation, visible } => self.join(&conversation, visible).await,
            Command::Leave { conversation } => self.leave(&conversation).await,
            Command::Send { conversation, draft } => self.send(&conversation, draft).await,
            Command::MarkMessage { message } => self.mark_message(&message).await,
            Command::MarkConversation { conversation } => {
                self.mark_conversation(&conversation).await
            }
        }
    }

    async fn join(&self, conversation: &ConversationId, visible: bool) -> Result<Value, Failure> {
        let Context { hub, messaging, settings, .. } = &*self.context;
        if !hub.may_join(self.key, conversation, settings.rooms_per_session_max) {
            return Err(Failure::new(Code::TooManyRooms, texts::TOO_MANY_ROOMS));
        }
        let user = &self.caller.user;
        // While we hold the turn nothing new is told here: what the history holds and what is told
        // after it meet exactly.
        let turn = hub.take_turn(conversation).await;
        let window = Window::first(i64::from(settings.history_messages));
        let history = messaging.history(conversation, user, &window).await;
        let history = history.map_err(Failure::of_conversation)?;
        let last_seq = history.last_seq;
        let messages = history.page.items.iter().map(wire::Message::from).collect();
        if let Some(frame) = outbound::history(conversation, messages, last_seq) {
            // A session that cannot take it is ending.
            self.socket.send(&frame).map_err(ending)?;
        }
        hub.join(self.key, conversation, user, last_seq, visible);
        drop(turn);
        if let Some(frame) = outbound::user_joined(user, conversation) {
            hub.tell_room(conversation, &frame);
        }
        Ok(json!({ "conversationId": conversation.as_str(), "lastSeq": last_seq.get() }))
    }

    /// Leaving marks what was seen as read: only by a session that was in the room and in sight,
    /// and only up to what it was told (nobody reads what they never saw).
    async fn leave(&self, conversation: &ConversationId) -> Result<Value, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let membership = hub.membership(self.key, conversation);
        if let Some(seen) = membership.filter(|membership| membership.visible) {
            let target = ReadTarget::UpTo(seen.told);
            let marked = messaging.mark_conversation_read(conversation, &self.caller.user, target);
            let marked = marked.await;
            hub.leave(self.key, conversation);
            marked.map_err(Failure::of_conversation)?;
        } else {
            hub.leave(self.key, conversation);
        }
        hub.count_unread(&self.caller.user);
        Ok(json!({ "conversationId": conversation.as_str() }))
    }

    async fn send(&self, conversation: &ConversationId, draft: Draft) -> Result<Value, Failure> {
        let Context { messaging, limits, .. } = &*self.context;
        limits.allow_send(&self.caller.user)?;
        let sent = messaging.send_message(conversation, &self.caller.user, draft).await?;
        encode(&wire::Message::from(&*sent.message))
    }

    async fn mark_message(&self, id: &MessageId) -> Result<Value, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let marked = messaging.mark_message_read(id, &self.caller.user).await;
        let message = marked.map_err(Failure::of_message)?;
        hub.count_unread(&self.caller.user);
        encode(&wire::Message::from(&message))
    }

    async fn mark_conversation(&self, conversation: &ConversationId) -> Result<Value, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let user = &self.caller.user;
        let everything = ReadTarget::Everything;
        let marked = messaging.mark_conversation_read(conversation, user, everything).await;
        let marked = marked.map_err(Failure::of_conversation)?;
        hub.count_unread(user);
        Ok(json!({ "conversationId": conversation.as_str(), "unreadCount": marked.unread }))
    }
}

/// The socket is closed or too slow, so nobody will read this answer either.
fn ending(_: EmitError) -> Failure {
    Failure::new(Code::Unavailable, texts::UNAVAILABLE)
}

fn encode(message: &wire::Message) -> Result<Value, Failure> {
    serde_json::to_value(message).map_err(Failure::internal)
}
