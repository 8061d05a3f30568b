//! Mail about messages that wait: whether, when, and about which of them (D15, G8). It is decided
//! when it is due, from what is so at that moment, and written when it leaves.

mod address;
pub mod email;
pub mod preferences;
pub mod schedule;
pub mod service;
pub mod store;

pub use address::{
    InvalidReplyToken, ReplyToken, address_forms, address_with_ascii_domain, directory_address,
    is_same_address, normal_address,
};
pub use email::{ConversationDigest, Email, QueuedMail, Quote, SendDecision, decide_send};
pub use schedule::decide;

use preferences::Preferences;

use crate::{
    ids::{ConversationId, MailId, Seq, UserId},
    participant::Participant,
    time::{Timestamp, Zone},
};

/// The most conversations that one mail tells of; the others wait for the next.
pub const MAIL_CONVERSATIONS_MAX: usize = 50;
/// The most conversations that one decision is about; the others wait for the next.
pub const WAITING_MAX: usize = 200;
/// The most messages that a mail quotes of one conversation, the newest.
pub const MAIL_QUOTES_MAX: usize = 3;
/// How far back mails count against the most that one person gets, in milliseconds.
pub const RECENT_MAILS_MS: u64 = 60_000;

/// How mail is spread over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailPolicy {
    /// How long a message waits to be read before a mail tells of it, in milliseconds.
    pub delay_ms: u64,
    /// The shortest time between two mails about one conversation, in milliseconds.
    pub conversation_pause_ms: u64,
    /// The most mails that one person gets within [`RECENT_MAILS_MS`], 1 or more.
    pub per_minute_max: u32,
    /// The hour of the day at which the daily mail leaves (0 to 23).
    pub daily_hour: u8,
    /// Whose clock counts for who has none.
    pub zone: Zone,
    /// How old the newest message that waits in a conversation may be, in milliseconds; of what is older there
    /// is no mail. Longer than anybody is made to wait by delay, pause, frequency and quiet hours together:
    /// so old is only what waited while no mail could leave.
    pub notice_age_max_ms: u64,
}

impl Default for MailPolicy {
    /// After five minutes, once an hour, ten in a minute, at nine o'clock; nothing older than a week.
    fn default() -> Self {
        Self {
            delay_ms: 300_000,
            conversation_pause_ms: 3_600_000,
            per_minute_max: 10,
            daily_hour: 9,
            zone: Zone::default(),
            notice_age_max_ms: 604_800_000,
        }
    }
}

/// Everything that the decision about one person's mail rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingNotifications {
    /// Who may be written to.
    pub recipient: Participant,
    /// What they want.
    pub preferences: Preferences,
    /// Whether mail to their present address came back, or they complained of it.
    pub is_suppressed: bool,
    /// When the latest mails to them were decided on, newest first, as far back as
    /// [`RECENT_MAILS_MS`].
    pub recent_mails: Vec<Timestamp>,
    /// Where something may wait for them, at most [`WAITING_MAX`] conversations.
    pub waiting: Vec<PendingConversation>,
    /// How often their mail was settled before. Whoever settles this case settles it first.
    pub version: i64,
}

/// A conversation in which something may wait for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingConversation {
    /// Which.
    pub conversation: ConversationId,
    /// Since when there may be something that no mail told of.
    pub since: Timestamp,
    /// How many messages were noted since. Only when it is still the same is nothing new there.
    pub noted: u64,
    /// How many of the other side's messages are unread, and no mail told of them. What the platform
    /// said does not count.
    pub unmailed: u64,
    /// The newest of these; with none of them, anything.
    pub up_to: Seq,
    /// When the newest of these was posted; with none of them, the same as `since`.
    pub newest_at: Timestamp,
    /// When a mail last told of this conversation.
    pub last_mailed_at: Option<Timestamp>,
}

/// What becomes of each thing that waits. A conversation stands in one of the three lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailDecision {
    /// No mail is due: it was read, or is not wanted.
    pub forget: Vec<(ConversationId, SkipReason)>,
    /// Not yet: asked again then.
    pub wait: Vec<(ConversationId, Timestamp)>,
    /// One mail, now, about all of these and up to these positions.
    pub tell: Vec<(ConversationId, Seq)>,
}

impl MailDecision {
    /// How many conversations are forgotten for `why`.
    pub fn forgotten(&self, why: SkipReason) -> usize {
        self.forget.iter().filter(|(_, known)| *known == why).count()
    }
}

/// Why there is no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// Everything was read.
    Read,
    /// The person wants none.
    Unwanted,
    /// The person muted the conversation.
    Muted,
    /// The person has no address, or mail to it came back.
    Unreachable,
    /// All of it is older than [`MailPolicy::notice_age_max_ms`]: no mail could leave for that long.
    TooOld,
}

/// A mail that is being decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// Which; its Message-ID is made of it, so that a repeated delivery is recognised.
    pub id: MailId,
    /// To whom.
    pub recipient: UserId,
    /// When.
    pub at: Timestamp,
}

/// What is needed to write to somebody.
#[derive(Clone, Copy)]
struct Reach<'a> {
    recipient: &'a Participant,
    preferences: &'a Preferences,
    is_suppressed: bool,
}

impl<'a> Reach<'a> {
    /// Why nothing at all may be written to this person.
    fn obstacle(self) -> Option<SkipReason> {
        if !self.preferences.wants_mail() {
            Some(SkipReason::Unwanted)
        } else if self.is_suppressed || !has_address(self.recipient) {
            Some(SkipReason::Unreachable)
        } else {
            None
        }
    }

    /// The clock on the person's wall.
    fn zone(self, terms: &'a MailPolicy) -> &'a Zone {
        let own = self.preferences.zone.as_ref().or(self.recipient.profile.zone.as_ref());
        own.unwrap_or(&terms.zone)
    }
}

fn has_address(person: &Participant) -> bool {
    person.profile.email.as_deref().is_some_and(|address| !address.trim().is_empty())
}
