//! How long conversations are kept: when one is due to be archived or emptied, and when
//! the daily run starts.

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

/// After how many days without a message a conversation is archived, unless somebody says otherwise.
pub const ARCHIVE_AFTER_DAYS_DEFAULT: u32 = 90;
/// The fewest days that an archived conversation is kept.
pub const DELETE_AFTER_DAYS_MIN: u32 = 30;
/// The most days that a policy may name: a hundred years.
pub const RETENTION_DAYS_MAX: u32 = 36_500;
/// For how many days a log is kept, unless somebody says otherwise (D5).
pub const LOG_DAYS_DEFAULT: u32 = 90;
/// The fewest days of a log: more than any client is away that goes on where it was cut off.
pub const LOG_DAYS_MIN: u32 = 2;
/// When the daily retention run starts, in milliseconds after midnight UTC.
pub const DAILY_RUN_STARTS_MS: u32 = 3 * 3_600_000;

const DAY_MS: i64 = 86_400_000;

/// How long conversations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    archive_after_days: u32,
    delete_after_days: Option<u32>,
}

/// Why numbers of days make no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRetention {
    /// Conversations would be archived at once, or never.
    #[error("conversations are archived after 1 to {RETENTION_DAYS_MAX} days")]
    ArchiveAfter,
    /// Messages would be deleted too soon to be missed, or never.
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

    /// After how many days without a message a conversation is archived.
    pub fn archive_after_days(self) -> u32 {
        self.archive_after_days
    }

    /// After how many days more its messages are deleted; `None`: never.
    pub fn delete_after_days(self) -> Option<u32> {
        self.delete_after_days
    }

    /// What is due for a conversation at `now`, whether or not it is held.
    ///
    /// One that a person archived is emptied no sooner than if nobody had: its last message is as old
    /// as it would have to be, and it was archived, or changed otherwise, as long ago.
    pub fn due(self, age: &ConversationAge, now: Timestamp) -> Option<Due> {
        let quiet_since = days_before(now, self.archive_after_days);
        match age.status {
            Status::Active => (age.last_message_at <= quiet_since)
                .then_some(Due::Archive { days: self.archive_after_days, quiet_since }),
            Status::Archived => {
                let days = self.delete_after_days.filter(|_| age.says_something)?;
                let bounds = EmptyingBounds {
                    said_by: days_before(quiet_since, days),
                    changed_by: days_before(now, days),
                };
                bounds.include(age).then_some(Due::Empty(bounds))
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
    /// It is archived, if nothing was said after that moment.
    Archive {
        /// After how many days that happens.
        days: u32,
        /// The latest moment of its newest message.
        quiet_since: Timestamp,
    },
    /// Its messages are deleted.
    Empty(EmptyingBounds),
}

/// How old everything in a conversation is at least when its messages are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmptyingBounds {
    /// The latest moment of its newest message.
    pub said_by: Timestamp,
    /// The latest moment at which it was archived, or its subject changed.
    pub changed_by: Timestamp,
}

impl EmptyingBounds {
    /// Whether a conversation is as old.
    pub fn include(&self, age: &ConversationAge) -> bool {
        age.last_message_at <= self.said_by && age.updated_at <= self.changed_by
    }
}

/// What a salon has of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SalonRetention {
    /// How long its conversations are kept; `None`: as long as everybody's.
    pub policy: Option<RetentionPolicy>,
    /// Whether all its conversations stay as they are, whatever their age: a legal hold.
    pub is_held: bool,
}

/// A conversation, as far as its age says what is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationAge {
    /// Its id.
    pub id: ConversationId,
    /// Its owner.
    pub salon: UserId,
    /// The language of its client.
    pub language: Option<Language>,
    /// Active or archived.
    pub status: Status,
    /// When the newest message was posted; without any, when it was opened.
    pub last_message_at: Timestamp,
    /// When subject or status last changed, or a message was last posted.
    pub updated_at: Timestamp,
    /// Whether there is a message of either side in it.
    pub says_something: bool,
    /// Whether it, or its salon, is held.
    pub is_held: bool,
    /// The salon's own policy.
    pub policy: Option<RetentionPolicy>,
}

/// How long everything is kept where nobody said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Conversations.
    pub policy: RetentionPolicy,
    /// Their logs, in days ([`LOG_DAYS_MIN`] to [`RETENTION_DAYS_MAX`]).
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
    /// Conversations that were archived.
    pub archived: u64,
    /// Conversations whose messages were deleted.
    pub emptied: u64,
    /// These messages.
    pub messages: u64,
    /// Their files, as far as we can delete them.
    pub files: u64,
    /// Conversations that were due and are held.
    pub held_back: u64,
    /// Entries of logs that were forgotten.
    pub log_entries: u64,
    /// Changes, each a transaction with one conversation's lock at the most.
    pub transactions: u64,
    /// How long the longest of these took, in milliseconds.
    pub longest_ms: u64,
}

/// The same time of day, so many days earlier; 1970 when that is before the calendar begins.
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
