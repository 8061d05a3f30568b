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
