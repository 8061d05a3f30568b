//! The content of an e-mail.

use super::{
    MAIL_QUOTES_MAX, MailPolicy, MailTarget, ReplyToken, preferences::Preferences, schedule,
};
use crate::{
    ids::{ConversationId, MailId},
    participant::Participant,
    text::{Content, Subject},
    time::{Timestamp, Zone},
};

/// A queued mail that was not sent yet, with its current content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedMail {
    /// Its id.
    pub id: MailId,
    /// The recipient.
    pub recipient: Participant,
    /// Their preferences.
    pub preferences: Preferences,
    /// Whether their current address is suppressed.
    pub is_suppressed: bool,
    /// Its conversations that still have unread messages among those it was queued for.
    pub chapters: Vec<ConversationDigest>,
    /// When it was decided on.
    pub at: Timestamp,
}

/// A message as a mail quotes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The text; empty beside files.
    pub words: Content,
    /// The number of its files.
    pub files: usize,
    /// When it was posted.
    pub at: Timestamp,
}

/// One conversation in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationDigest {
    /// The conversation.
    pub conversation: ConversationId,
    /// The author of the messages.
    pub writer: Participant,
    /// Its subject.
    pub subject: Option<Subject>,
    /// The number of unread messages, 1 or more.
    pub messages: u64,
    /// The newest of them, newest first, at most [`MAIL_QUOTES_MAX`].
    pub quotes: Vec<Quote>,
    /// Identifies the conversation in the Reply-To address.
    pub reply: ReplyToken,
}

/// The content of a mail at the time of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Its id.
    pub id: MailId,
    /// The recipient; has an address.
    pub recipient: Participant,
    /// Time zone in which times are printed.
    pub zone: Zone,
    /// The conversations, at least one.
    pub chapters: Vec<ConversationDigest>,
    /// When it was decided on.
    pub at: Timestamp,
}

/// What to do with a queued mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendDecision {
    /// Send it.
    Now(Box<Email>),
    /// Quiet hours: send it then.
    NotBefore(Timestamp),
    /// Drop it: nothing to say, or nobody to send it to.
    Never,
}

/// What to do with `mail` at `now`, as preferences and state may have changed since it was queued.
pub fn decide_send(mail: QueuedMail, policy: &MailPolicy, now: Timestamp) -> SendDecision {
    let QueuedMail { id, recipient, preferences, is_suppressed, mut chapters, at } = mail;
    chapters.retain(|chapter| !preferences.has_muted(&chapter.conversation));
    let target = MailTarget { recipient: &recipient, preferences: &preferences, is_suppressed };
    if chapters.is_empty() || target.skip_reason().is_some() {
        return SendDecision::Never;
    }
    let zone = target.zone(policy).clone();
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
mod tests {
    use super::*;
    use crate::{
        mail::preferences::{Frequency, QuietHours},
        testing::fixture::{client, content, conversation_parties, salon},
    };

    fn chapter(id: &str) -> ConversationDigest {
        let quote = Quote { words: content("Samedi ?"), files: 0, at: Timestamp::UNIX_EPOCH };
        ConversationDigest {
            conversation: conversation_parties(id, "s1", "c1").0,
            writer: salon("s1"),
            subject: None,
            messages: 5,
            quotes: vec![quote; MAIL_QUOTES_MAX + 1],
            reply: ReplyToken::parse("t1").expect("good"),
        }
    }

    fn mail() -> QueuedMail {
        let mut recipient = client("c1");
        recipient.profile.email = Some("c1@example.test".to_owned());
        let preferences = Preferences::usual(recipient.id.clone(), Timestamp::UNIX_EPOCH);
        let id = MailId::parse("m1").expect("good");
        let chapters = vec![chapter("a"), chapter("b")];
        QueuedMail { id, recipient, preferences, is_suppressed: false, chapters, at: now() }
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-05T23:30:00+01:00").expect("a moment")
    }

    fn decided(mail: QueuedMail) -> SendDecision {
        decide_send(mail, &MailPolicy::default(), now())
    }

    #[test]
    fn an_email_contains_all_conversations_of_the_queued_mail() {
        let SendDecision::Now(email) = decided(mail()) else { panic!("it is wanted") };
        let conversations: Vec<_> =
            email.chapters.iter().map(|one| one.conversation.as_str()).collect();
        assert_eq!((conversations, email.zone), (vec!["a", "b"], Zone::default()));
        assert_eq!(email.chapters[0].quotes.len(), MAIL_QUOTES_MAX, "the newest are quoted");
        assert_eq!((email.id, email.at, email.chapters[0].messages), (mail().id, now(), 5));
    }

    #[test]
    fn what_was_muted_since_is_left_out() {
        let mut mail = mail();
        mail.preferences.muted = vec![conversation_parties("a", "s1", "c1").0];
        let SendDecision::Now(email) = decided(mail.clone()) else { panic!("b is wanted") };
        assert_eq!(
            email.chapters,
            [ConversationDigest { quotes: email.chapters[0].quotes.clone(), ..chapter("b") }]
        );
        mail.preferences.muted.push(conversation_parties("b", "s1", "c1").0);
        assert_eq!(decided(mail), SendDecision::Never);
    }

    #[test]
    fn an_unwanted_or_unreachable_mail_is_never_sent() {
        let changes: [fn(&mut QueuedMail); 5] = [
            |mail| mail.chapters.clear(),
            |mail| mail.preferences.frequency = Frequency::Never,
            |mail| mail.preferences.mail_enabled = false,
            |mail| mail.recipient.profile.email = None,
            |mail| mail.is_suppressed = true,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut mail = mail();
            change(&mut mail);
            assert_eq!(decided(mail), SendDecision::Never, "change {number}");
        }
    }

    #[test]
    fn a_delayed_mail_respects_quiet_hours() {
        let mut mail = mail();
        mail.preferences.quiet_hours = QuietHours::new(22 * 60, 7 * 60).ok();
        let morning = Timestamp::parse("2026-01-06T07:00:00+01:00").expect("a moment");
        assert_eq!(decided(mail.clone()), SendDecision::NotBefore(morning));
        assert!(matches!(decide_send(mail, &MailPolicy::default(), morning), SendDecision::Now(_)));
    }
}
