//! What the two see of their conversation.

use super::{stage::ANSWERS, talk::Talk};
use crate::{
    conversation::{Conversation, ConversationView},
    event::Event,
    id::UserId,
    message::Message,
    page::{MessageCursor, Window},
    ports::History,
    seq::Seq,
};

impl Talk<'_> {
    pub(super) async fn try_view(&self, viewer: &UserId) -> Option<ConversationView> {
        self.stage.store.conversation(&self.id, viewer).await.expect(ANSWERS)
    }

    pub(super) async fn view(&self, viewer: &UserId) -> ConversationView {
        self.try_view(viewer).await.expect("the viewer takes part")
    }

    pub(super) async fn state(&self) -> Conversation {
        self.view(&self.salon).await.conversation
    }

    pub(super) async fn find(&self, viewer: &UserId, message: &Message) -> Option<Message> {
        self.stage.store.message(&message.id, viewer).await.expect(ANSWERS)
    }

    pub(super) async fn reread(&self, message: &Message) -> Message {
        self.find(&self.salon, message).await.expect("the message is there")
    }

    pub(super) async fn try_history(
        &self,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Option<History> {
        self.stage.store.history(&self.id, viewer, window).await.expect(ANSWERS)
    }

    pub(super) async fn history(&self, window: &Window<MessageCursor>) -> History {
        self.try_history(&self.salon, window).await.expect("the salon takes part")
    }

    /// What is said here, oldest first.
    pub(super) async fn words(&self) -> Vec<String> {
        let items = self.history(&Window::first(100)).await.page.items;
        items.iter().rev().map(|message| message.content.as_str().to_owned()).collect()
    }

    pub(super) async fn log_as(
        &self,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Option<Vec<Event>> {
        let piece = self.stage.store.events_after(&self.id, viewer, after, limit).await;
        Some(piece.expect(ANSWERS)?.events().expect("nothing is forgotten"))
    }

    pub(super) async fn log(&self) -> Vec<Event> {
        self.log_as(&self.client, Seq::ZERO, 1_000).await.expect("the client takes part")
    }
}
