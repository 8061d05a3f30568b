use async_trait::async_trait;

use super::StoreError;
use crate::{
    conversation::Parties,
    event::Event,
    id::{ConversationId, UserId},
    seq::Seq,
    time::Timestamp,
};

/// How far a person has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTarget {
    /// Everything there is.
    Everything,
    /// Up to this position and no further; a position beyond the newest means everything.
    UpTo(Seq),
}

/// A horizon to be moved.
#[derive(Clone, Debug)]
pub struct MarkRead {
    /// Where.
    pub conversation: ConversationId,
    /// Whose horizon.
    pub reader: UserId,
    /// How far.
    pub target: ReadTarget,
    /// When.
    pub at: Timestamp,
}

/// A horizon, moved or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedRead {
    /// Who takes part.
    pub parties: Parties,
    /// The reader's messages still unread there.
    pub unread: u64,
    /// `MessagesRead`, when a message became read by this.
    pub event: Option<Event>,
}

/// Read horizons and what follows from them (D8).
#[async_trait]
pub trait ReadingStore: Send + Sync {
    /// Moves the reader's horizon, never back. Nothing happens when no message of the other side
    /// becomes read by it. `None` when there is no such conversation or the reader takes no part.
    ///
    /// Log: `MessagesRead`.
    async fn mark_read(&self, mark: &MarkRead) -> Result<Option<MarkedRead>, StoreError>;

    /// How many messages wait for `reader` in all conversations, archived ones included; 0 for
    /// people nobody knows.
    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError>;
}
