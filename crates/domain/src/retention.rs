//! Retention: when a conversation is due to be archived or its messages deleted, and when the daily
//! run starts.

pub mod store;
pub mod sweep;
#[cfg(test)]
mod tests;

use crate::{
    conversation::Status,
    ids::{ConversationId, UserId},
    participant::Language,
    time::Timestamp,
};

/// The default number of days without a message after which a conversation is archived.
pub const ARCHIVE_AFTER_DAYS_DEFAULT: u32 = 90;
/// The fewest days that an archived conversation is kept.
pub const DELETE_AFTER_DAYS_MIN: u32 = 30;
/// The longest period of a policy, in days: a hundred years.
pub const RETENTION_DAYS_MAX: u32 = 36_500;
/// The default number of days for which a log is kept (D5).
pub const LOG_DAYS_DEFAULT: u32 = 90;
/// The fewest days of a log: longer than any client stays offline and still resumes.
pub const LOG_DAYS_MIN: u32 = 2;
/// When the daily retention run starts, in milliseconds after midnight UTC.
pub const DAILY_RUN_STARTS_MS: u32 = 3 * 3_600_000;

const DAY_MS: i64 = 86_400_000;

/// A retention policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    archive_after_days: u32,
    delete_after_days: Option<u32>,
}

/// Why a policy is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRetention {
    /// Archiving would happen at once, or never.
    #[error("conversations are archived after 1 to {RETENTION_DAYS_MAX} days")]
    ArchiveAfter,
    /// Deletion would happen too soon, or never.
    #[error("messages are deleted after {DELETE_AFTER_DAYS_MIN} to {RETENTION_DAYS_MAX} days")]
    DeleteAfter,
}

impl RetentionPolicy {
    /// Archives conversations after `archive_after_days` (1 to [`RETENTION_DAYS_MAX`]) without a
    /// message, and deletes their messages `delete_after_days` ([`DELETE_AFTER_DAYS_MIN`] to
    /// [`RETENTION_DAYS_MAX`]) after that; `None`: never.
    ///
    /// # Errors
    /// [`InvalidRetention`].
    pub fn new(
        archive_after_days: u32,
        delete_after_days: Option<u32>,
    ) -> Result<Self, InvalidRetention> {
        if !(1..=RETENTION_DAYS_MAX).contains(&archive_after_days) {
            return Err(InvalidRetention::ArchiveAfter);
        }
        let may_delete = DELETE_AFTER_DAYS_MIN..=RETENTION_DAYS_MAX;
        if delete_after_days.is_some_and(|days| !may_delete.contains(&days)) {
            return Err(InvalidRetention::DeleteAfter);
        }
        Ok(Self { archive_after_days, delete_after_days })
    }

    /// The number of days without a message after which a conversation is archived.
    pub fn archive_after_days(self) -> u32 {
        self.archive_after_days
    }

    /// The number of days after that when its messages are deleted; `None`: never.
    pub fn delete_after_days(self) -> Option<u32> {
        self.delete_after_days
    }

    /// What is due for a conversation at `now`, ignoring legal holds.
    ///
    /// A conversation archived by a person is not purged sooner than otherwise: its last message
    /// must be as old as after automatic archiving, and its archiving or last change long enough
    /// ago.
    pub fn due(self, age: &ConversationAge, now: Timestamp) -> Option<Due> {
        let quiet_since = days_before(now, self.archive_after_days);
        match age.status {
            Status::Active => (age.last_message_at <= quiet_since)
                .then_some(Due::Archive { days: self.archive_after_days, quiet_since }),
            Status::Archived => {
                let days = self.delete_after_days.filter(|_| age.has_messages)?;
                let bounds = PurgeBounds {
                    last_message_by: days_before(quiet_since, days),
                    changed_by: days_before(now, days),
                };
                bounds.allow(age).then_some(Due::Purge(bounds))
            }
        }
    }
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { archive_after_days: ARCHIVE_AFTER_DAYS_DEFAULT, delete_after_days: None }
    }
}

/// What is due for a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Archive it, unless it has a newer message.
    Archive {
        /// The policy's number of days.
        days: u32,
        /// Its newest message must not be newer than this.
        quiet_since: Timestamp,
    },
    /// Delete its messages.
    Purge(PurgeBounds),
}

/// The conditions under which the messages of a conversation are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeBounds {
    /// Its newest message must not be newer than this.
    pub last_message_by: Timestamp,
    /// It must not have been archived, or its subject changed, after this.
    pub changed_by: Timestamp,
}

impl PurgeBounds {
    /// Whether a conversation meets them.
    pub fn allow(&self, age: &ConversationAge) -> bool {
        self.allow_times(age.last_message_at, age.updated_at)
    }

    /// Whether a conversation with its newest message and its last change at these times meets them.
    pub(crate) fn allow_times(&self, last_message_at: Timestamp, updated_at: Timestamp) -> bool {
        last_message_at <= self.last_message_by && updated_at <= self.changed_by
    }
}

/// A salon's own retention settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SalonRetention {
    /// Its own policy; `None`: the default.
    pub policy: Option<RetentionPolicy>,
    /// A legal hold: none of its conversations is archived or deleted, whatever their age.
    pub is_held: bool,
}

/// The data of a conversation that retention decisions need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationAge {
    /// Its id.
    pub id: ConversationId,
    /// Its salon.
    pub salon: UserId,
    /// The language of its client.
    pub language: Option<Language>,
    /// Active or archived.
    pub status: Status,
    /// When the newest message was posted; without any, when it was opened.
    pub last_message_at: Timestamp,
    /// When subject or status last changed, or a message was last posted.
    pub updated_at: Timestamp,
    /// Whether it has any message of either side.
    pub has_messages: bool,
    /// Whether it or its salon is under a legal hold.
    pub is_held: bool,
    /// The salon's own policy.
    pub policy: Option<RetentionPolicy>,
}

/// The default retention settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionSettings {
    /// The policy for conversations.
    pub policy: RetentionPolicy,
    /// How long logs are kept, in days ([`LOG_DAYS_MIN`] to [`RETENTION_DAYS_MAX`]).
    pub log_days: u32,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self { policy: RetentionPolicy::default(), log_days: LOG_DAYS_DEFAULT }
    }
}

/// What a run did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// Conversations archived.
    pub archived: u64,
    /// Conversations whose messages were deleted.
    pub emptied: u64,
    /// Messages deleted.
    pub messages: u64,
    /// Their files, as far as we can delete them.
    pub files: u64,
    /// Due conversations under a legal hold.
    pub held_back: u64,
    /// Log entries deleted.
    pub log_entries: u64,
    /// Transactions, each holding the lock of at most one conversation.
    pub transactions: u64,
    /// The duration of the longest transaction, in milliseconds.
    pub longest_ms: u64,
}

/// The same time of day, `days` earlier; 1970 if that is before the calendar begins.
pub fn days_before(time: Timestamp, days: u32) -> Timestamp {
    let millis = time.as_millis() - i64::from(days) * DAY_MS;
    Timestamp::from_millis(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// When the next daily retention run starts after `now`.
pub fn next_daily_run(now: Timestamp) -> Timestamp {
    let since = now.as_millis() - i64::from(DAILY_RUN_STARTS_MS);
    let next = (since.div_euclid(DAY_MS) + 1) * DAY_MS + i64::from(DAILY_RUN_STARTS_MS);
    Timestamp::from_millis(next).unwrap_or(now)
}
