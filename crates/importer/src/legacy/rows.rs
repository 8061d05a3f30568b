//! Rows of the legacy tables. Fields name their column where the name differs.

use std::fmt;

use domain::time::Timestamp;

/// An unchecked text, hidden from logs.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Raw(pub(crate) String);

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

/// An unchecked time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegacyTime {
    /// A time in range.
    At(Timestamp),
    /// Infinite, missing in a required column, or outside the years -9999 to 9999.
    Impossible,
}

impl LegacyTime {
    /// The time, unless it is impossible.
    pub(crate) fn known(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Impossible => None,
        }
    }
}

/// A row of `User`.
#[derive(Clone, Debug, Default)]
pub(crate) struct LegacyPerson {
    pub(crate) id: Raw,
    pub(crate) role: String,
    pub(crate) first_name: Option<Raw>,
    pub(crate) last_name: Option<Raw>,
    pub(crate) salon_name: Option<Raw>,
    pub(crate) image: Option<Raw>,
    pub(crate) email: Option<Raw>,
}

/// A row of `Conversation` with its messages.
#[derive(Clone, Debug)]
pub(crate) struct LegacyConversation {
    pub(crate) id: Raw,
    pub(crate) salon: Raw,
    pub(crate) client: Raw,
    pub(crate) appointment: Option<Raw>,
    pub(crate) subject: Option<Raw>,
    pub(crate) status: String,
    pub(crate) created_at: LegacyTime,
    pub(crate) updated_at: LegacyTime,
    pub(crate) last_message_at: LegacyTime,
    /// Its messages, in any order.
    pub(crate) messages: Vec<LegacyMessage>,
    /// Counters of unread messages, by reader.
    pub(crate) counters: Vec<LegacyCounter>,
}

/// A row of `Message`.
#[derive(Clone, Debug)]
pub(crate) struct LegacyMessage {
    pub(crate) id: Raw,
    pub(crate) sender: Raw,
    pub(crate) content: Raw,
    pub(crate) kind: String,
    pub(crate) is_read: bool,
    pub(crate) read_at: Option<LegacyTime>,
    /// Whether there is an `archivedAt`.
    pub(crate) is_archived: bool,
    pub(crate) created_at: LegacyTime,
    /// Its files, in display order.
    pub(crate) files: Vec<LegacyFile>,
}

/// A row of `MessageAttachment`.
#[derive(Clone, Debug)]
pub(crate) struct LegacyFile {
    pub(crate) id: Raw,
    pub(crate) name: Raw,
    pub(crate) url: Raw,
    pub(crate) media_type: String,
    /// `fileSize`, in bytes.
    pub(crate) size_bytes: i64,
    pub(crate) upload_key: Option<Raw>,
}

/// A row of `MessageNotification`.
#[derive(Clone, Debug)]
pub(crate) struct LegacyCounter {
    pub(crate) reader: Raw,
    pub(crate) unread: i64,
}

/// A row of `NotificationPreference`.
#[derive(Clone, Debug)]
pub(crate) struct LegacyPreference {
    pub(crate) person: Raw,
    /// Whether the person has an account.
    pub(crate) person_is_known: bool,
    pub(crate) mail_enabled: bool,
    pub(crate) frequency: String,
    /// Those of `mutedConversations` in which the person is a participant.
    pub(crate) muted: Vec<Raw>,
    /// The number of other ids in `mutedConversations`.
    pub(crate) muted_elsewhere: u64,
}

/// All pending rows of `EmailNotificationQueue` for a recipient and a conversation together.
#[derive(Clone, Debug)]
pub(crate) struct LegacyMail {
    pub(crate) conversation: Raw,
    pub(crate) recipient: Raw,
    /// Whether the recipient is a participant of the conversation.
    pub(crate) takes_part: bool,
    /// The number of rows.
    pub(crate) rows: u64,
    /// The sum of their `messageCount`.
    pub(crate) messages: i64,
    /// The oldest possible `createdAt`.
    pub(crate) since: LegacyTime,
    /// The number of rows with an impossible `createdAt`.
    pub(crate) impossible_dates: u64,
}
