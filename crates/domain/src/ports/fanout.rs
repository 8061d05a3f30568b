use async_trait::async_trait;

use crate::{
    event::Event,
    id::{ConversationId, MessageId, UserId},
    time::Timestamp,
};

/// A message that its reader marked as read by itself, and that was unread before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedMessage {
    /// Which.
    pub message: MessageId,
    /// Who wrote it.
    pub author: UserId,
    /// When it was marked.
    pub read_at: Timestamp,
}

/// Tells everyone entitled what happened.
#[async_trait]
pub trait Fanout: Send + Sync {
    /// Waits until it is the caller's turn to change `conversation`. On one node turns follow one
    /// another, so events are published in the order in which they were committed. Other nodes keep
    /// no turns with us; observers go by position.
    async fn turn(&self, conversation: &ConversationId) -> Box<dyn PublishGuard>;

    /// Tells the author of a message that it was marked as read (D9). It is told once, to the
    /// sessions of this node, by whoever took the mark: no log holds it.
    fn message_read(&self, marked: &MarkedMessage);

    /// Whether `user` is looking at `conversation` now: a session of theirs has joined it, did not
    /// say that it is out of sight, and has shown lately that its client is awake.
    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool;
}

/// The right to change one conversation. Dropping it gives it up; nothing is told then.
pub trait PublishGuard: Send {
    /// Tells what happened and gives the turn up. Never waits for an observer.
    fn publish(self: Box<Self>, events: Vec<Event>);
}
