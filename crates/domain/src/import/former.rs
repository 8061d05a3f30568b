//! What the former system kept, as its tables spell it.

use std::fmt;

use crate::time::Timestamp;

/// A text as it came: unchecked, and hidden from logs.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Raw(pub String);

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

/// A time as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormerTime {
    /// One that we can keep.
    At(Timestamp),
    /// None that a calendar has: infinite, missing where there must be one, or outside the years
    /// -9999 to 9999.
    Impossible,
}

impl FormerTime {
    /// The time, if it is one.
    pub fn known(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Impossible => None,
        }
    }
}

/// A person with an account.
#[derive(Clone, Debug, Default)]
pub struct LegacyPerson {
    /// `id`.
    pub id: Raw,
    /// `role`.
    pub role: String,
    /// `firstName`.
    pub first_name: Option<Raw>,
    /// `lastName`.
    pub last_name: Option<Raw>,
    /// `salonName`.
    pub salon_name: Option<Raw>,
    /// `image`.
    pub image: Option<Raw>,
    /// `email`.
    pub email: Option<Raw>,
}

/// A conversation with all that was said in it.
#[derive(Clone, Debug)]
pub struct LegacyConversation {
    /// `id`.
    pub id: Raw,
    /// `salonId`.
    pub salon: Raw,
    /// `clientUserId`.
    pub client: Raw,
    /// `appointmentId`.
    pub appointment: Option<Raw>,
    /// `subject`.
    pub subject: Option<Raw>,
    /// `status`.
    pub status: String,
    /// `createdAt`.
    pub created_at: FormerTime,
    /// `updatedAt`.
    pub updated_at: FormerTime,
    /// `lastMessageAt`.
    pub last_message_at: FormerTime,
    /// Its messages, in any order.
    pub messages: Vec<LegacyMessage>,
    /// How many messages were said to be unread, by reader.
    pub counters: Vec<LegacyCounter>,
}

/// A message.
#[derive(Clone, Debug)]
pub struct LegacyMessage {
    /// `id`.
    pub id: Raw,
    /// `senderId`.
    pub sender: Raw,
    /// `content`.
    pub content: Raw,
    /// `type`.
    pub kind: String,
    /// `isRead`.
    pub is_read: bool,
    /// `readAt`.
    pub read_at: Option<FormerTime>,
    /// Whether there is an `archivedAt`.
    pub is_archived: bool,
    /// `createdAt`.
    pub created_at: FormerTime,
    /// Its files, in the order in which they are shown.
    pub files: Vec<LegacyFile>,
}

/// A file of a message.
#[derive(Clone, Debug)]
pub struct LegacyFile {
    /// `id`.
    pub id: Raw,
    /// `fileName`.
    pub name: Raw,
    /// `fileUrl`.
    pub url: Raw,
    /// `fileType`.
    pub media_type: String,
    /// `fileSize`, in bytes.
    pub size_bytes: i64,
    /// `uploadThingKey`.
    pub upload_key: Option<Raw>,
}

/// How many messages were said to be unread.
#[derive(Clone, Debug)]
pub struct LegacyCounter {
    /// `userId`.
    pub reader: Raw,
    /// `unreadCount`.
    pub unread: i64,
}

/// What a person wants to be told of by mail.
#[derive(Clone, Debug)]
pub struct LegacyPreference {
    /// `userId`.
    pub person: Raw,
    /// Whether there is such a person.
    pub person_is_known: bool,
    /// `emailNotificationsEnabled`.
    pub mail_enabled: bool,
    /// `emailFrequency`.
    pub frequency: String,
    /// Those of `mutedConversations` that the person takes part in.
    pub muted: Vec<Raw>,
    /// How many others `mutedConversations` names.
    pub muted_elsewhere: u64,
}

/// Mail that waits to be sent: all waiting rows of a recipient and a conversation together.
#[derive(Clone, Debug)]
pub struct LegacyMail {
    /// `conversationId`.
    pub conversation: Raw,
    /// `recipientUserId`.
    pub recipient: Raw,
    /// Whether the recipient takes part in the conversation.
    pub takes_part: bool,
    /// How many rows there are.
    pub rows: u64,
    /// The sum of their `messageCount`.
    pub messages: i64,
    /// The oldest `createdAt` of those that are times.
    pub since: FormerTime,
    /// How many `createdAt` are none.
    pub impossible_dates: u64,
}
