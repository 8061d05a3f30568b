//! A command in a transaction, and what became of it.

use domain::{
    conversation::{
        ledger::{Command, Refusal},
        store::Committed,
    },
    ids::ConversationId,
    time::Timestamp,
};

/// What became of a command.
pub(super) type Outcome = Result<Committed, Refusal>;

/// A command, as a transaction needs it.
pub(super) struct Item<'w> {
    pub(super) conversation: &'w ConversationId,
    pub(super) command: &'w Command,
    pub(super) at: Timestamp,
}

/// What became of a command of a batch.
pub(super) enum Verdict {
    /// It was committed, or refused.
    Decided(Box<Outcome>),
    /// Somebody else has locked the conversation, or it does not exist. Nothing was done.
    Locked,
}
