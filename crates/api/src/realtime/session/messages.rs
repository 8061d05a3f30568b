//! Sending and marking.

use domain::{
    id::{ConversationId, MessageId},
    message::Draft,
    ports::ReadTarget,
};
use serde_json::{Value, json};

use super::{Context, Session};
use crate::{failure::Failure, wire};

impl Session {
    pub(super) async fn send(
        &self,
        conversation: &ConversationId,
        draft: Draft,
    ) -> Result<Value, Failure> {
        let Context { hub, messaging, limits, .. } = &*self.context;
        limits.allow_send(&self.caller.user)?;
        let sent = messaging.send_message(conversation, &self.caller.user, draft).await?;
        encode(&wire::Message::new(&sent.message, hub.links()))
    }

    pub(super) async fn mark_message(&self, id: &MessageId) -> Result<Value, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let marked = messaging.mark_message_read(id, &self.caller.user).await;
        let message = marked.map_err(Failure::of_message)?;
        encode(&wire::Message::new(&message, hub.links()))
    }

    /// Where this session has joined, up to what it was told there: nobody reads what they never
    /// saw. Elsewhere, up to the newest message there is when the mark is made.
    pub(super) async fn mark_conversation(
        &self,
        conversation: &ConversationId,
    ) -> Result<Value, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let user = &self.caller.user;
        let joined = hub.membership(self.key, conversation);
        let target = joined.map_or(ReadTarget::Everything, |joined| ReadTarget::UpTo(joined.told));
        let marked = messaging.mark_conversation_read(conversation, user, target).await;
        let marked = marked.map_err(Failure::of_conversation)?;
        Ok(json!({ "conversationId": conversation.as_str(), "unreadCount": marked.unread }))
    }
}

fn encode(message: &wire::Message) -> Result<Value, Failure> {
    serde_json::to_value(message).map_err(Failure::internal)
}
