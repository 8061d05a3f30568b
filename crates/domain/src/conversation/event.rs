//! Events: what the log of a conversation contains and what is published to sessions.

use std::sync::Arc;

use super::{Parties, Status, message::Message};
use crate::{
    ids::{ConversationId, MessageId, Seq, UserId},
    text::Subject,
    time::Timestamp,
};

/// A durable change of one conversation, with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its participants; nobody else may see the event.
    pub parties: Parties,
    /// Its position: unique in the conversation, without gaps.
    pub seq: Seq,
    /// When it happened.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: UserId,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The conversation was opened.
    ConversationOpened {
        /// The subject: at the time of opening, or, when read from the log, the current one.
        subject: Option<Subject>,
        /// The status, likewise.
        status: Status,
    },
    /// Subject or status changed; both as they are now.
    ConversationUpdated {
        /// The subject as it is now.
        subject: Option<Subject>,
        /// The status as it is now.
        status: Status,
    },
    /// The conversation was deleted, with everything in it.
    ConversationDeleted,
    /// A message was posted.
    MessagePosted(Arc<Message>),
    /// A message was posted here and has been deleted since; its text is gone. Only produced when
    /// reading the log.
    MessageWithdrawn(MessageId),
    /// A message was deleted: by its author, or by retention.
    MessageDeleted(MessageId),
    /// A read horizon moved.
    MessagesRead(ReadReceipt),
}

/// A read horizon that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadReceipt {
    /// The reader.
    pub reader: UserId,
    /// The new horizon.
    pub up_to: Seq,
    /// Whether more than one message became read.
    pub several: bool,
    /// The reader's unread messages in the conversation: counted with the change, or, when read
    /// from the log, now.
    pub unread: u64,
}
