//! Mail notifications of unread messages: whether, when, and about which conversations (D15, G8).
//! Decided when due, from the state at that time, and composed when sent.

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

/// The most conversations in one mail; the others wait for the next.
pub const MAIL_CONVERSATIONS_MAX: usize = 50;
/// The most conversations per decision; the others wait for the next.
pub const PENDING_CONVERSATIONS_MAX: usize = 200;
/// The most messages that a mail quotes per conversation, newest first.
pub const MAIL_QUOTES_MAX: usize = 3;
/// How long a sent mail counts against the rate limit of its recipient, in milliseconds.
pub const RECENT_MAILS_MS: u64 = 60_000;

/// The rate limits and delays of mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailPolicy {
    /// How long a message may stay unread before a mail is sent, in milliseconds.
    pub delay_ms: u64,
    /// The shortest time between two mails about one conversation, in milliseconds.
    pub conversation_pause_ms: u64,
    /// The most mails to one person within [`RECENT_MAILS_MS`], 1 or more.
    pub per_minute_max: u32,
    /// The hour of the day at which daily mail is sent (0 to 23).
    pub daily_hour: u8,
    /// The time zone of people without one.
    pub zone: Zone,
    /// The greatest age of the newest unread message of a conversation, in milliseconds; an older
    /// one is not mailed. Longer than delay, pause, frequency and quiet hours can make anybody
    /// wait: only what waited while no mail could be sent is older.
    pub notice_age_max_ms: u64,
}

impl Default for MailPolicy {
    /// After five minutes, once an hour, ten per minute, at nine o'clock; nothing older than a
    /// week.
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

/// The input of the decision about one person's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingNotifications {
    /// The recipient.
    pub recipient: Participant,
    /// Their preferences.
    pub preferences: Preferences,
    /// Whether their current address is suppressed: mail bounced or was reported as spam.
    pub is_suppressed: bool,
    /// When the latest mails to them were decided on, newest first, within [`RECENT_MAILS_MS`].
    pub recent_mails: Vec<Timestamp>,
    /// Conversations with possibly unmailed messages, at most [`PENDING_CONVERSATIONS_MAX`].
    pub conversations: Vec<PendingConversation>,
    /// Version of the person's mail state. A decision is applied only if it has not changed.
    pub version: i64,
}

/// A conversation with possibly unmailed messages for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingConversation {
    /// The conversation.
    pub conversation: ConversationId,
    /// When the first possibly unmailed message was noted.
    pub since: Timestamp,
    /// How many messages were noted since. If it has changed, there is a new message.
    pub noted: u64,
    /// The number of unread and unmailed messages of the other side, without platform messages.
    pub unmailed: u64,
    /// The position of the newest of these; meaningless if there are none.
    pub up_to: Seq,
    /// When the newest of these was posted; equal to `since` if there are none.
    pub newest_at: Timestamp,
    /// When a mail about this conversation was last sent.
    pub last_mailed_at: Option<Timestamp>,
}

/// The decision about one person's mail. Each conversation is in exactly one of the three lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailDecision {
    /// No mail, because of the reason.
    pub drop: Vec<(ConversationId, SkipReason)>,
    /// Not yet: decide again then.
    pub defer: Vec<(ConversationId, Timestamp)>,
    /// One mail, now, about all of these up to these positions.
    pub send: Vec<(ConversationId, Seq)>,
}

impl MailDecision {
    /// The number of conversations dropped for `reason`.
    pub fn dropped(&self, reason: SkipReason) -> usize {
        self.drop.iter().filter(|(_, known)| *known == reason).count()
    }
}

/// Why no mail is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// Everything was read.
    Read,
    /// The person wants none.
    Unwanted,
    /// The person muted the conversation.
    Muted,
    /// The person has no address, or it is suppressed.
    Unreachable,
    /// All messages are older than [`MailPolicy::notice_age_max_ms`]: no mail could be sent for
    /// that long.
    TooOld,
}

/// A mail to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// Its id; the Message-ID is derived from it, so that a repeated delivery is recognised.
    pub id: MailId,
    /// The recipient.
    pub recipient: UserId,
    /// When it was decided on.
    pub at: Timestamp,
}

/// What decides whether a person can be mailed.
#[derive(Clone, Copy)]
struct MailTarget<'a> {
    recipient: &'a Participant,
    preferences: &'a Preferences,
    is_suppressed: bool,
}

impl<'a> MailTarget<'a> {
    /// Why no mail at all may be sent to this person.
    fn skip_reason(self) -> Option<SkipReason> {
        if !self.preferences.wants_mail() {
            Some(SkipReason::Unwanted)
        } else if self.is_suppressed || !has_address(self.recipient) {
            Some(SkipReason::Unreachable)
        } else {
            None
        }
    }

    /// The person's time zone.
    fn zone(self, policy: &'a MailPolicy) -> &'a Zone {
        let own = self.preferences.zone.as_ref().or(self.recipient.profile.zone.as_ref());
        own.unwrap_or(&policy.zone)
    }
}

fn has_address(person: &Participant) -> bool {
    person.profile.email.as_deref().is_some_and(|address| !address.trim().is_empty())
}
