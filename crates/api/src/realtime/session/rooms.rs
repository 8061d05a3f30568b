//! Joining conversations and leaving them.

use domain::{id::ConversationId, ports::ReadTarget, seq::Seq};
use serde_json::{Value, json};

use super::{super::outbound, Context, Session, resume::JoinSnapshot};
use crate::{code::Code, failure::Failure, texts};

impl Session {
    pub(super) async fn join(
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
        // While we hold the turn nothing new is told here: what the opening tells and what is told
        // after it meet exactly.
        let turn = hub.take_turn(conversation).await;
        let JoinSnapshot { told, since, resync } = self.opening(conversation, after).await?;
        hub.join(self.key, conversation, user, since, visible, &told);
        drop(turn);
        if let Some(told) = outbound::user_joined(user, conversation) {
            hub.tell_room(conversation, &told);
        }
        let mut answer = json!({ "conversationId": conversation.as_str(), "lastSeq": since.get() });
        if resync {
            answer["resync"] = true.into();
        }
        Ok(answer)
    }

    /// Leaving marks what was seen as read: only by a session that was in the room and in sight,
    /// and only up to what it was told (nobody reads what they never saw).
    pub(super) async fn leave(&self, conversation: &ConversationId) -> Result<Value, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let membership = hub.membership(self.key, conversation);
        if let Some(seen) = membership.filter(|membership| membership.visible) {
            let target = ReadTarget::UpTo(seen.told);
            let marked = messaging.mark_conversation_read(conversation, &self.caller.user, target);
            let marked = marked.await;
            self.go_out(conversation);
            marked.map_err(Failure::of_conversation)?;
        } else if membership.is_some() {
            self.go_out(conversation);
        }
        Ok(json!({ "conversationId": conversation.as_str() }))
    }

    /// The session itself hears that it left, ahead of the acknowledgement: with it comes what lets
    /// it come back to where it is now, and not to the room.
    fn go_out(&self, conversation: &ConversationId) {
        self.context.hub.leave(self.key, conversation);
        if let Some(told) = outbound::user_left(&self.caller.user, conversation) {
            self.tell(&told);
        }
    }
}
