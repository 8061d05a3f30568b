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
mod tests {
    use super::*;
    use crate::{
        mail::preferences::{Frequency, QuietHours},
        testing::fixture::{client, content, salon, talk},
    };

    fn chapter(id: &str) -> ConversationDigest {
        let quote = Quote { words: content("Samedi ?"), files: 0, at: Timestamp::UNIX_EPOCH };
        ConversationDigest {
            conversation: talk(id, "s1", "c1").0,
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

    fn departure(mail: QueuedMail) -> SendDecision {
        decide_send(mail, &MailPolicy::default(), now())
    }

    #[test]
    fn a_letter_says_all_that_the_mail_has_to_say() {
        let SendDecision::Now(letter) = departure(mail()) else { panic!("it is wanted") };
        let told: Vec<_> = letter.chapters.iter().map(|one| one.conversation.as_str()).collect();
        assert_eq!((told, letter.zone), (vec!["a", "b"], Zone::default()));
        assert_eq!(letter.chapters[0].quotes.len(), MAIL_QUOTES_MAX, "the newest are quoted");
        assert_eq!((letter.id, letter.at, letter.chapters[0].messages), (mail().id, now(), 5));
    }

    #[test]
    fn what_was_muted_meanwhile_is_left_out() {
        let mut mail = mail();
        mail.preferences.muted = vec![talk("a", "s1", "c1").0];
        let SendDecision::Now(letter) = departure(mail.clone()) else { panic!("b is wanted") };
        assert_eq!(
            letter.chapters,
            [ConversationDigest { quotes: letter.chapters[0].quotes.clone(), ..chapter("b") }]
        );
        mail.preferences.muted.push(talk("b", "s1", "c1").0);
        assert_eq!(departure(mail), SendDecision::Never);
    }

    #[test]
    fn what_nobody_wants_or_can_get_never_leaves() {
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
            assert_eq!(departure(mail), SendDecision::Never, "change {number}");
        }
    }

    #[test]
    fn a_mail_that_was_held_up_breaks_no_quiet_hours() {
        let mut mail = mail();
        mail.preferences.quiet_hours = QuietHours::new(22 * 60, 7 * 60).ok();
        let morning = Timestamp::parse("2026-01-06T07:00:00+01:00").expect("a moment");
        assert_eq!(departure(mail.clone()), SendDecision::NotBefore(morning));
        assert!(matches!(decide_send(mail, &MailPolicy::default(), morning), SendDecision::Now(_)));
    }
}
