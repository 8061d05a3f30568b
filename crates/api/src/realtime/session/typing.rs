//! Saying that one writes.

use domain::id::ConversationId;
use serde_json::{Value, json};

use super::Session;
use crate::failure::Failure;

impl Session {
    /// Only where this session has joined: the store let it in there, and need not be asked again.
    pub(super) fn write(
        &self,
        conversation: &ConversationId,
        writes: bool,
    ) -> Result<Value, Failure> {
        let hub = &self.context.hub;
        if hub.membership(self.key, conversation).is_none() {
            return Err(Failure::conversation_not_found());
        }
        let (writing, user) = (hub.writing(), &self.caller.user);
        if writes {
            writing.start(hub, user, conversation, self.key);
        } else {
            writing.stop(hub, user, conversation, self.key);
        }
        Ok(json!({ "conversationId": conversation.as_str() }))
    }
}
