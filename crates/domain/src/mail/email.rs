//! What an e-mail says.

use super::{MAIL_QUOTES_MAX, MailPolicy, Reach, ReplyToken, preferences::Preferences, schedule};
use crate::{
    ids::{ConversationId, MailId},
    participant::Participant,
    text::{Content, Subject},
    time::{Timestamp, Zone},
};

/// A mail that was decided on and did not leave yet, with what it could say now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedMail {
    /// Which.
    pub id: MailId,
    /// To whom.
    pub recipient: Participant,
    /// What they want.
    pub preferences: Preferences,
    /// Whether mail to their present address came back, or they complained of it.
    pub is_suppressed: bool,
    /// Its conversations in which something is still unread of what it was decided to tell.
    pub chapters: Vec<ConversationDigest>,
    /// When it was decided on.
    pub at: Timestamp,
}

/// A message as a mail quotes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What it says; empty beside files.
    pub words: Content,
    /// How many files it has.
    pub files: usize,
    /// When it was posted.
    pub at: Timestamp,
}

/// What a mail tells of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationDigest {
    /// Which.
    pub conversation: ConversationId,
    /// Who wrote.
    pub writer: Participant,
    /// What it is about.
    pub subject: Option<Subject>,
    /// How many messages wait, 1 or more.
    pub messages: u64,
    /// The newest of them, newest first, at most [`MAIL_QUOTES_MAX`].
    pub quotes: Vec<Quote>,
    /// Where an answer to this conversation goes.
    pub reply: ReplyToken,
}

/// Everything that a mail says, as it is when it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Which.
    pub id: MailId,
    /// To whom; has an address.
    pub recipient: Participant,
    /// Time zone in which times are printed.
    pub zone: Zone,
    /// What it tells of, at least one.
    pub chapters: Vec<ConversationDigest>,
    /// When it was decided on.
    pub at: Timestamp,
}

/// What becomes of a mail whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendDecision {
    /// It leaves.
    Now(Box<Email>),
    /// It would break the person's quiet hours: not before then.
    NotBefore(Timestamp),
    /// There is nothing left to say, or nobody to say it to.
    Never,
}

/// What becomes of `mail` at `now`: what was wanted when it was decided on may not be wanted any
/// more.
pub fn decide_send(mail: QueuedMail, terms: &MailPolicy, now: Timestamp) -> SendDecision {
    let QueuedMail { id, recipient, preferences, is_suppressed, mut chapters, at } = mail;
    chapters.retain(|chapter| !preferences.has_muted(&chapter.conversation));
    let reach = Reach { recipient: &recipient, preferences: &preferences, is_suppressed };
    if chapters.is_empty() || reach.obstacle().is_some() {
        return SendDecision::Never;
    }
    let zone = reach.zone(terms).clone();
    match schedule::end_of_quiet_hours(&zone, preferences.quiet_hours, now) {
        until if until > now => SendDecision::NotBefore(until),
        _ => {
            for chapter in &mut chapters {
                chapter.quotes.truncate(MAIL_QUOTES_MAX);
            }
            SendDecision::Now(Box::new(Email { id, recipient, zone, chapters, at }))
        }
    }
}

#[cfg(test)]
mod tests;
