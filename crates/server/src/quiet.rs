use async_trait::async_trait;
use domain::{
    event::Event,
    id::{ConversationId, UserId},
    ports::{Fanout, MarkedMessage, Turn},
};

/// The fan-out of a process to which nobody is connected.
pub(crate) struct NobodyListens;

#[async_trait]
impl Fanout for NobodyListens {
    async fn turn(&self, _conversation: &ConversationId) -> Box<dyn Turn> {
        Box::new(Self)
    }

    fn message_read(&self, _marked: &MarkedMessage) {}

    fn is_watching(&self, _conversation: &ConversationId, _user: &UserId) -> bool {
        false
    }
}

impl Turn for NobodyListens {
    fn publish(self: Box<Self>, _events: Vec<Event>) {}
}
