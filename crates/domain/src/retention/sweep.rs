//! Scheduled retention: archives old conversations, later deletes their messages, and trims logs,
//! one conversation at a time.

use std::sync::Arc;

use super::{
    ConversationAge, DELETE_AFTER_DAYS_MIN, Due, PurgeBounds, RetentionPolicy, RetentionReport,
    RetentionSettings, SalonRetention, days_before,
    store::{RetentionStore, TrimBatch},
};
use crate::{
    appointments::notice::Notice,
    conversation::{
        Status,
        ledger::{Command, Refusal, SystemMessage},
        store::{Committed, ConversationLog, impossible},
    },
    ids::{ConversationId, UserId},
    jobs::Task,
    ports::{Clock, Fanout, Ids, StoreError},
    time::Timestamp,
};

/// A job ends after this many transactions or batches, and leaves the rest to another job.
const CHANGES_MAX: u64 = 1_000;
const BATCHES_MAX: u32 = 200;

/// One kind of scheduled retention work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionTask {
    /// Archives old conversations.
    Archive,
    /// Deletes the messages of conversations that were archived long ago.
    Purge,
    /// Deletes old log entries.
    TrimLog,
}

impl RetentionTask {
    /// The job task for it, starting after the conversation `after`.
    pub fn task(self, after: Option<ConversationId>) -> Task {
        match self {
            Self::Archive => Task::ArchiveAged(after),
            Self::Purge => Task::PurgeExpired(after),
            Self::TrimLog => Task::TrimLog(after),
        }
    }
}

/// Retention settings and runs. Cheap to clone.
#[derive(Clone)]
pub struct Retention {
    store: Arc<dyn RetentionStore>,
    commits: Arc<dyn ConversationLog>,
    fanout: Arc<dyn Fanout>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    settings: RetentionSettings,
}

crate::opaque_debug!(Retention);

impl Retention {
    /// Creates the service with the default settings.
    pub fn new(
        store: Arc<dyn RetentionStore>,
        commits: Arc<dyn ConversationLog>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { store, commits, fanout, clock, ids, settings: RetentionSettings::default() }
    }

    /// Sets the defaults for what the store does not configure.
    #[must_use]
    pub fn with_settings(self, settings: RetentionSettings) -> Self {
        Self { settings, ..self }
    }

    /// Runs a task for as long as one job may take, starting after the conversation `after`.
    /// Returns the conversation after which the rest begins; `None`: all is done.
    ///
    /// # Errors
    /// [`StoreError`]. What was done before stays done.
    pub async fn enforce_retention(
        &self,
        task: RetentionTask,
        after: Option<ConversationId>,
    ) -> Result<Option<ConversationId>, StoreError> {
        let mut sweep = RetentionSweep::begin(self, false).await?;
        let mut after = after;
        for _ in 0..BATCHES_MAX {
            after = sweep.step(task, after).await?;
            if after.is_none() || sweep.report().transactions >= CHANGES_MAX {
                break;
            }
        }
        Ok(after)
    }

    /// Runs all retention tasks at once, or, in a dry run, returns by the same rules what would be
    /// done and changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]. What was done before stays done.
    pub async fn run_retention(&self, is_dry: bool) -> Result<RetentionReport, StoreError> {
        let mut sweep = RetentionSweep::begin(self, is_dry).await?;
        for task in [RetentionTask::Archive, RetentionTask::Purge, RetentionTask::TrimLog] {
            let mut after = None;
            while let Some(next) = sweep.step(task, after).await? {
                after = Some(next);
            }
        }
        Ok(sweep.report())
    }
}

/// The most conversations per statement.
const CONVERSATIONS_MAX: u32 = 500;
/// The most messages deleted per transaction.
const MESSAGES_MAX: u32 = 200;
/// The most log entries deleted per transaction.
const LOG_ENTRIES_MAX: u32 = 2_000;
/// One run over the conversations, with a fixed current time.
struct RetentionSweep<'m> {
    retention: &'m Retention,
    policy: RetentionPolicy,
    now: Timestamp,
    is_dry: bool,
    report: RetentionReport,
}

impl<'m> RetentionSweep<'m> {
    async fn begin(retention: &'m Retention, is_dry: bool) -> Result<Self, StoreError> {
        let policy = retention.retention_policy().await?;
        let (now, report) = (retention.clock.now(), RetentionReport::default());
        Ok(Self { retention, policy, now, is_dry, report })
    }

    /// The report so far.
    fn report(&self) -> RetentionReport {
        self.report
    }

    /// Runs one task for a page of conversations. Returns where the next page begins.
    async fn step(
        &mut self,
        task: RetentionTask,
        after: Option<ConversationId>,
    ) -> Result<Option<ConversationId>, StoreError> {
        match task {
            RetentionTask::Archive => self.archive_page(after).await,
            RetentionTask::Purge => self.purge_page(after).await,
            RetentionTask::TrimLog => self.trim_page(after).await,
        }
    }

    async fn archive_page(
        &mut self,
        after: Option<ConversationId>,
    ) -> Result<Option<ConversationId>, StoreError> {
        let quiet_since = days_before(self.now, 1);
        let store = &self.retention.store;
        let page = store.ages(Status::Active, after, quiet_since, CONVERSATIONS_MAX).await?;
        for age in &page.conversations {
            if let Some(Due::Archive { days, quiet_since }) = self.due(age) {
                self.archive(age, days, quiet_since).await?;
            }
        }
        Ok(page.next)
    }

    async fn purge_page(
        &mut self,
        after: Option<ConversationId>,
    ) -> Result<Option<ConversationId>, StoreError> {
        let quiet_since = days_before(self.now, DELETE_AFTER_DAYS_MIN);
        let store = &self.retention.store;
        let page = store.ages(Status::Archived, after, quiet_since, CONVERSATIONS_MAX).await?;
        let mut due = vec![];
        for age in &page.conversations {
            if let Some(Due::Purge(bounds)) = self.due(age) {
                due.push((age.id.clone(), bounds));
            }
        }
        if self.is_dry {
            self.measure(&due).await?;
        } else {
            for (id, bounds) in &due {
                self.purge(id, *bounds).await?;
            }
        }
        Ok(page.next)
    }

    /// What is due and not under a legal hold.
    fn due(&mut self, age: &ConversationAge) -> Option<Due> {
        let due = age.policy.unwrap_or(self.policy).due(age, self.now)?;
        self.report.held_back += u64::from(age.is_held);
        (!age.is_held).then_some(due)
    }

    async fn archive(
        &mut self,
        age: &ConversationAge,
        days: u32,
        quiet_since: Timestamp,
    ) -> Result<(), StoreError> {
        if self.is_dry {
            self.report.archived += 1;
            return Ok(());
        }
        let notice = Notice::ArchivedForAge { days };
        let content = notice.text(age.language.unwrap_or_default());
        let id = self.retention.ids.next().into();
        let message = SystemMessage { id, content, notice: Some(notice) };
        let command = Command::ArchiveForAge { message, quiet_since };
        self.report.archived += u64::from(self.commit(&age.id, command).await?.is_some());
        Ok(())
    }

    async fn purge(&mut self, id: &ConversationId, bounds: PurgeBounds) -> Result<(), StoreError> {
        let mut messages = 0;
        loop {
            let command = Command::Purge { bounds, messages_max: MESSAGES_MAX };
            let Some(purged) = self.commit(id, command).await? else { break };
            let deleted = purged.changes.events.len();
            messages += deleted as u64;
            self.report.files += purged.files;
            if deleted < MESSAGES_MAX as usize {
                break;
            }
        }
        self.report.messages += messages;
        self.report.emptied += u64::from(messages > 0);
        Ok(())
    }

    /// Commits a command, unless what was due is due no more: then `None`.
    async fn commit(
        &mut self,
        id: &ConversationId,
        command: Command,
    ) -> Result<Option<Committed>, StoreError> {
        let Retention { commits, fanout, clock, .. } = self.retention;
        let (at, fanout) = (clock.now(), fanout.clone());
        match self.timed(commits.commit(id, command, at, fanout)).await? {
            Ok(committed) => Ok(Some(committed)),
            Err(Refusal::NotDue | Refusal::UnknownConversation) => Ok(None),
            Err(
                refusal @ (Refusal::UnknownPerson
                | Refusal::AlreadyOpen(_)
                | Refusal::KeyKnown(_)
                | Refusal::UnknownUpload
                | Refusal::UnknownMessage
                | Refusal::AlreadyHandled
                | Refusal::BookingChanged),
            ) => Err(impossible(refusal)),
        }
    }

    async fn measure(&mut self, due: &[(ConversationId, PurgeBounds)]) -> Result<(), StoreError> {
        let ids: Vec<_> = due.iter().map(|(id, _)| id.clone()).collect();
        let usage = self.retention.store.measure(&ids).await?;
        self.report.emptied += ids.len() as u64;
        self.report.messages += usage.messages;
        self.report.files += usage.files;
        Ok(())
    }

    async fn trim_page(
        &mut self,
        after: Option<ConversationId>,
    ) -> Result<Option<ConversationId>, StoreError> {
        let store = &self.retention.store;
        let batch = TrimBatch {
            before: days_before(self.now, self.retention.settings.log_days),
            after,
            conversations_max: CONVERSATIONS_MAX,
            entries_max: LOG_ENTRIES_MAX,
        };
        if self.is_dry {
            let progress = store.count_old_entries(&batch).await?;
            self.report.log_entries += progress.entries;
            return Ok(progress.next);
        }
        loop {
            let progress = self.timed(store.trim_logs(&batch)).await?;
            self.report.log_entries += progress.entries;
            if progress.entries < u64::from(LOG_ENTRIES_MAX) {
                return Ok(progress.next);
            }
        }
    }

    /// Runs a change and records its duration.
    async fn timed<T>(
        &mut self,
        change: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let started = self.retention.clock.now().as_millis();
        let outcome = change.await?;
        let took_ms = self.retention.clock.now().as_millis().saturating_sub(started);
        self.report.transactions += 1;
        self.report.longest_ms = self.report.longest_ms.max(took_ms.max(0).unsigned_abs());
        Ok(outcome)
    }
}

impl Retention {
    /// The default policy: the one in the store, or else the one of the settings.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retention_policy(&self) -> Result<RetentionPolicy, StoreError> {
        Ok(self.store.retention_policy().await?.unwrap_or(self.settings.policy))
    }

    /// Stores the default policy, replacing an earlier one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_retention_policy(&self, policy: RetentionPolicy) -> Result<(), StoreError> {
        self.store.put_retention_policy(policy, self.clock.now()).await
    }

    /// A salon's own retention settings; `None`: none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn salon_retention(
        &self,
        salon: &UserId,
    ) -> Result<Option<SalonRetention>, StoreError> {
        self.store.salon_retention(salon).await
    }

    /// Stores a salon's own retention settings, replacing earlier ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_salon_retention(
        &self,
        salon: &UserId,
        retention: SalonRetention,
    ) -> Result<(), StoreError> {
        self.store.put_salon_retention(salon, retention, self.clock.now()).await
    }

    /// Deletes a salon's own retention settings. `false` when there were none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_salon_retention(&self, salon: &UserId) -> Result<bool, StoreError> {
        self.store.drop_salon_retention(salon).await
    }

    /// Puts a conversation under a legal hold: nothing in it is archived or deleted from now on.
    /// `false` when it does not exist.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_conversation(&self, id: &ConversationId) -> Result<bool, StoreError> {
        self.store.hold_conversation(id, self.clock.now()).await
    }

    /// Releases the legal hold of a conversation. `false` when there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_conversation(&self, id: &ConversationId) -> Result<bool, StoreError> {
        self.store.release_conversation(id).await
    }
}

#[cfg(test)]
mod tests;
