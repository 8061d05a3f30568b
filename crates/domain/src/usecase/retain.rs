//! The nights' work: what is old is put away, emptied and forgotten, one conversation at a time.

mod round;
#[cfg(test)]
mod tests;

use self::round::RetentionSweep;
use super::Messaging;
use crate::{id::ConversationId, job::Task, ports::StoreError, retention::RetentionReport};

/// After how many transactions, and after how many looks, a job leaves the rest to another one.
const CHANGES_MAX: u64 = 1_000;
const LOOKS_MAX: u32 = 200;

/// A part of the nights' work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionTask {
    /// Putting conversations away.
    Archive,
    /// Deleting the messages of those that were.
    Empty,
    /// Forgetting the beginnings of logs.
    TrimLog,
}

impl RetentionTask {
    /// The task that does it, from the conversation behind `after` on.
    pub fn task(self, after: Option<ConversationId>) -> Task {
        match self {
            Self::Archive => Task::ArchiveAged(after),
            Self::Empty => Task::PurgeExpired(after),
            Self::TrimLog => Task::TrimLog(after),
        }
    }
}

impl Messaging {
    /// Does as much of a chore as one job may take, from the conversation behind `after` on. Returns
    /// behind which one the rest begins; `None`: all is done.
    ///
    /// # Errors
    /// The store's. What was done until then stays done.
    pub async fn retain(
        &self,
        chore: RetentionTask,
        after: Option<ConversationId>,
    ) -> Result<Option<ConversationId>, StoreError> {
        let mut round = RetentionSweep::begin(self, false).await?;
        let mut after = after;
        for _ in 0..LOOKS_MAX {
            after = round.step(chore, after).await?;
            if after.is_none() || round.report().transactions >= CHANGES_MAX {
                break;
            }
        }
        Ok(after)
    }

    /// Does all the nights' work at once, or, in a dry run, says what that would do by the same rules
    /// and changes nothing.
    ///
    /// # Errors
    /// The store's. What was done until then stays done.
    pub async fn run_retention(&self, is_dry: bool) -> Result<RetentionReport, StoreError> {
        let mut round = RetentionSweep::begin(self, is_dry).await?;
        for chore in [RetentionTask::Archive, RetentionTask::Empty, RetentionTask::TrimLog] {
            let mut after = None;
            while let Some(next) = round.step(chore, after).await? {
                after = Some(next);
            }
        }
        Ok(round.report())
    }
}
