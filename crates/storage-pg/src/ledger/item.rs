//! A command in a transaction, and what became of it.

use domain::{
    conversation::{
        Parties,
        ledger::{Command, Refusal},
        store::Committed,
    },
    ids::ConversationId,
    ports::Fanout,
    time::Timestamp,
};

/// What became of a command.
pub(super) type Outcome = Result<Committed, Refusal>;

/// A command, as a transaction needs it.
pub(super) struct Item<'w> {
    pub(super) conversation: &'w ConversationId,
    pub(super) command: &'w Command,
    pub(super) at: Timestamp,
    /// Knows who is watching.
    pub(super) fanout: &'w dyn Fanout,
}

impl Item<'_> {
    /// Whether the new message of the command is read at once. Asked after the conversation was
    /// locked: whoever left while the command waited does not read it.
    pub(super) fn is_watched(&self, parties: &Parties) -> bool {
        let reader = self.command.reader_on_arrival(parties);
        reader.is_some_and(|reader| self.fanout.is_watching(self.conversation, reader))
    }
}

/// What a transaction decided, kept while its end is not answered.
pub(super) struct Sent {
    /// The id of the transaction; `None` when it has locked nothing, and so changes nothing.
    pub(super) transaction: Option<String>,
    /// In the order of the items.
    pub(super) verdicts: Vec<Verdict>,
}

/// What became of a command of a batch.
pub(super) enum Verdict {
    /// It was committed, or refused.
    Decided(Box<Outcome>),
    /// Somebody else has locked the conversation, or it does not exist. Nothing was done.
    Locked,
}
