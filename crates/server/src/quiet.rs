use async_trait::async_trait;
use domain::{
    conversation::event::Event,
    ids::{ConversationId, UserId},
    ports::{Fanout, MarkedMessage, PublishGuard},
};

/// The fan-out of a process to which nobody is connected.
pub(crate) struct NoopFanout;

#[async_trait]
impl Fanout for NoopFanout {
    async fn turn(&self, _conversation: &ConversationId) -> Box<dyn PublishGuard> {
        Box::new(Self)
    }

    fn message_read(&self, _marked: &MarkedMessage) {}

    fn is_watching(&self, _conversation: &ConversationId, _user: &UserId) -> bool {
        false
    }
}

impl PublishGuard for NoopFanout {
    fn publish(self: Box<Self>, _events: Vec<Event>) {}
}
