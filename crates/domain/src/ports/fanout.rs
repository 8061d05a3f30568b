use async_trait::async_trait;

use crate::{
    event::Event,
    id::{ConversationId, UserId},
};

/// Tells everyone entitled what happened.
#[async_trait]
pub trait Fanout: Send + Sync {
    /// Waits until it is the caller's turn to change `conversation`. On one node turns follow one
    /// another, so events are published in the order in which they were committed. Other nodes keep
    /// no turns with us; observers go by position.
    async fn turn(&self, conversation: &ConversationId) -> Box<dyn Turn>;

    /// Whether `user` is looking at `conversation` now: a session of theirs has joined it, did not
    /// say that it is out of sight, and has shown lately that its client is awake.
    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool;
}

/// The right to change one conversation. Dropping it gives it up; nothing is told then.
pub trait Turn: Send {
    /// Tells what happened and gives the turn up. Never waits for an observer.
    fn publish(self: Box<Self>, events: Vec<Event>);
}
