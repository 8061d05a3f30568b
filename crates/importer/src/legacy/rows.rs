//! What the former system kept, as its tables spell it.

use std::fmt;

use domain::time::Timestamp;

/// A text as it came: unchecked, and hidden from logs.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Raw(pub(crate) String);

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

/// A time as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormerTime {
    /// One that we can keep.
    At(Timestamp),
    /// None that a calendar has: infinite, missing where there must be one, or outside the years
    /// -9999 to 9999.
    Impossible,
}

impl FormerTime {
    /// The time, if it is one.
    pub(crate) fn known(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Impossible => None,
        }
    }
}

/// A person with an account.
#[derive(Clone, Debug, Default)]
pub(crate) struct LegacyPerson {
    /// `id`.
    pub(crate) id: Raw,
    /// `role`.
    pub(crate) role: String,
    /// `firstName`.
    pub(crate) first_name: Option<Raw>,
    /// `lastName`.
    pub(crate) last_name: Option<Raw>,
    /// `salonName`.
    pub(crate) salon_name: Option<Raw>,
    /// `image`.
    pub(crate) image: Option<Raw>,
    /// `email`.
    pub(crate) email: Option<Raw>,
}

/// A conversation with all that was said in it.
#[derive(Clone, Debug)]
pub(crate) struct LegacyConversation {
    /// `id`.
    pub(crate) id: Raw,
    /// `salonId`.
    pub(crate) salon: Raw,
    /// `clientUserId`.
    pub(crate) client: Raw,
    /// `appointmentId`.
    pub(crate) appointment: Option<Raw>,
    /// `subject`.
    pub(crate) subject: Option<Raw>,
    /// `status`.
    pub(crate) status: String,
    /// `createdAt`.
    pub(crate) created_at: FormerTime,
    /// `updatedAt`.
    pub(crate) updated_at: FormerTime,
    /// `lastMessageAt`.
    pub(crate) last_message_at: FormerTime,
    /// Its messages, in any order.
    pub(crate) messages: Vec<LegacyMessage>,
    /// How many messages were said to be unread, by reader.
    pub(crate) counters: Vec<LegacyCounter>,
}

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct LegacyMessage {
    /// `id`.
    pub(crate) id: Raw,
    /// `senderId`.
    pub(crate) sender: Raw,
    /// `content`.
    pub(crate) content: Raw,
    /// `type`.
    pub(crate) kind: String,
    /// `isRead`.
    pub(crate) is_read: bool,
    /// `readAt`.
    pub(crate) read_at: Option<FormerTime>,
    /// Whether there is an `archivedAt`.
    pub(crate) is_archived: bool,
    /// `createdAt`.
    pub(crate) created_at: FormerTime,
    /// Its files, in the order in which they are shown.
    pub(crate) files: Vec<LegacyFile>,
}

/// A file of a message.
#[derive(Clone, Debug)]
pub(crate) struct LegacyFile {
    /// `id`.
    pub(crate) id: Raw,
    /// `fileName`.
    pub(crate) name: Raw,
    /// `fileUrl`.
    pub(crate) url: Raw,
    /// `fileType`.
    pub(crate) media_type: String,
    /// `fileSize`, in bytes.
    pub(crate) size_bytes: i64,
    /// `uploadThingKey`.
    pub(crate) upload_key: Option<Raw>,
}

/// How many messages were said to be unread.
#[derive(Clone, Debug)]
pub(crate) struct LegacyCounter {
    /// `userId`.
    pub(crate) reader: Raw,
    /// `unreadCount`.
    pub(crate) unread: i64,
}

/// What a person wants to be told of by mail.
#[derive(Clone, Debug)]
pub(crate) struct LegacyPreference {
    /// `userId`.
    pub(crate) person: Raw,
    /// Whether there is such a person.
    pub(crate) person_is_known: bool,
    /// `emailNotificationsEnabled`.
    pub(crate) mail_enabled: bool,
    /// `emailFrequency`.
    pub(crate) frequency: String,
    /// Those of `mutedConversations` that the person takes part in.
    pub(crate) muted: Vec<Raw>,
    /// How many others `mutedConversations` names.
    pub(crate) muted_elsewhere: u64,
}

/// Mail that waits to be sent: all waiting rows of a recipient and a conversation together.
#[derive(Clone, Debug)]
pub(crate) struct LegacyMail {
    /// `conversationId`.
    pub(crate) conversation: Raw,
    /// `recipientUserId`.
    pub(crate) recipient: Raw,
    /// Whether the recipient takes part in the conversation.
    pub(crate) takes_part: bool,
    /// How many rows there are.
    pub(crate) rows: u64,
    /// The sum of their `messageCount`.
    pub(crate) messages: i64,
    /// The oldest `createdAt` of those that are times.
    pub(crate) since: FormerTime,
    /// How many `createdAt` are none.
    pub(crate) impossible_dates: u64,
}
