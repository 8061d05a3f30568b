//! Facts, in the past tense: what a conversation's log holds and what observers are told.

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
    /// Where it happened.
    pub conversation: ConversationId,
    /// Whom it concerns; nobody else may hear of it.
    pub parties: Parties,
    /// Its position; no two events of a conversation share one, and none is left out.
    pub seq: Seq,
    /// When it happened.
    pub at: Timestamp,
    /// Whose doing it was.
    pub actor: UserId,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The conversation was opened.
    ConversationOpened {
        /// The subject: as it was opened, or, in a log that is read again, as it is now.
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
    /// A message was posted here and is deleted by now: its text is nowhere any more. Only a log
    /// that is read again says this.
    MessageWithdrawn(MessageId),
    /// A message was deleted: by its author, or for its age.
    MessageDeleted(MessageId),
    /// A horizon moved.
    MessagesRead(ReadReceipt),
}

/// A read horizon that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadReceipt {
    /// Who read.
    pub reader: UserId,
    /// How far.
    pub up_to: Seq,
    /// Whether more than one message became read by this.
    pub several: bool,
    /// How many of the other side's messages still wait for the reader there: counted with the
    /// change, or, in a log that is read again, now.
    pub unread: u64,
}
