//! What a mail says when it leaves, to whom, and where an answer to it belongs.

use super::{
    mailbox::{Mailbox, reachable},
    stage::{ANSWERS, Stage},
    talk::Talk,
};
use crate::{
    id::MailId,
    mail::{ConversationDigest, MAIL_QUOTES_MAX, ReplyToken},
    ports::{ReplyTarget, Store},
    preference::{Frequency, PreferenceChange},
    testing::fixture::{client, pictures, salon, user},
    text::Subject,
};

fn words(chapter: &ConversationDigest) -> Vec<&str> {
    chapter.quotes.iter().map(|quote| quote.words.as_str()).collect()
}

/// A letter tells who wrote, about what, how much, and quotes the newest.
pub async fn a_letter_tells_what_was_decided_on(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    stage.note(&reachable(client("c1"))).await;
    talk.name("Bras").await;
    for number in 0..MAIL_QUOTES_MAX {
        talk.say(&talk.salon, &number.to_string()).await;
    }
    talk.say(&talk.client, "mon mot").await;
    let newest = talk.send(&talk.salon, pictures("Voilà", 2, None)).await.message;
    let mailbox = Mailbox::of(&stage, "c1");
    let mail = mailbox.tell().await;
    let open = mailbox.try_open(&mail.id).await.expect("it did not leave");
    assert_eq!((&open.id, open.at, open.is_suppressed), (&mail.id, mail.at, false));
    assert_eq!((open.recipient, &open.preferences.user), (reachable(client("c1")), &talk.client));
    let [chapter] = &open.chapters[..] else { panic!("one: {:?}", open.chapters) };
    assert_eq!((&chapter.conversation, &chapter.writer), (&talk.id, &salon("s1")));
    assert_eq!(chapter.subject.as_ref().map(Subject::as_str), Some("Bras"));
    assert_eq!(chapter.messages, MAIL_QUOTES_MAX as u64 + 1);
    assert_eq!(words(chapter), ["Voilà", "2", "1"]);
    assert_eq!((chapter.quotes[0].files, chapter.quotes[0].at), (2, newest.created_at));
    assert_eq!(chapter.quotes[1].files, 0);
}

/// What was read, deleted or taken away before a mail leaves is not in it.
pub async fn a_letter_leaves_out_what_was_read_meanwhile(store: &dyn Store) {
    let stage = Stage::new(store);
    let (talk, other) = (stage.talk("s1", "c1").await, stage.talk("s2", "c1").await);
    let read = talk.say(&talk.salon, "1").await;
    let deleted = talk.say(&talk.salon, "2").await;
    talk.say(&talk.salon, "3").await;
    other.say(&other.salon, "4").await;
    let mailbox = Mailbox::of(&stage, "c1");
    let mail = mailbox.tell().await;
    assert_eq!(mailbox.chapters(&mail).await.len(), 2);
    talk.read_up_to(&talk.client, read.seq).await;
    talk.delete(&deleted).await;
    other.end().await;
    let chapters = mailbox.chapters(&mail).await;
    assert_eq!((chapters.len(), chapters[0].messages), (1, 1));
    assert_eq!(words(&chapters[0]), ["3"]);
    talk.read(&talk.client).await;
    assert_eq!(mailbox.chapters(&mail).await, []);
}

/// Each message is told by one mail, unread as it may be.
pub async fn no_message_is_told_twice(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let mailbox = Mailbox::of(&stage, "c1");
    let tell = async |said: &str| {
        talk.say(&talk.salon, said).await;
        mailbox.tell().await
    };
    let (first, second) = (tell("1").await, tell("2").await);
    talk.say(&talk.salon, "3").await;
    assert_eq!(words(&mailbox.chapters(&first).await[0]), ["1"]);
    assert_eq!(words(&mailbox.chapters(&second).await[0]), ["2"]);
}

/// A mail that left, or never will, is closed, and does not open again.
pub async fn a_closed_mail_stays_closed(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let mailbox = Mailbox::of(&stage, "c1");
    talk.say(&talk.salon, "1").await;
    let mail = mailbox.tell().await;
    for _ in 0..2 {
        mailbox.close(&mail.id).await;
        assert_eq!(mailbox.try_open(&mail.id).await, None);
    }
    talk.say(&talk.salon, "2").await;
    let case = mailbox.case().await;
    assert_eq!(case.recent_mails, [mail.at], "it counts for a while");
    assert_eq!(case.waiting[0].unmailed, 1);
    let nothing = MailId::parse("nothing").expect("a good id");
    mailbox.close(&nothing).await;
    assert_eq!(mailbox.try_open(&nothing).await, None);
}

/// A mail goes to the person as they are when it leaves.
pub async fn a_letter_is_to_the_person_as_they_are_now(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    stage.note(&reachable(client("c1"))).await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&stage, "c1");
    let mail = mailbox.tell().await;
    let never =
        PreferenceChange { frequency: Some(Frequency::Never), ..PreferenceChange::default() };
    store.change_preferences(&talk.client, &never, stage.now()).await.expect(ANSWERS);
    store.request_erasure(&talk.client, stage.now()).await.expect(ANSWERS);
    let gone = mailbox.try_open(&mail.id).await;
    let address = gone.and_then(|open| {
        assert_eq!(open.preferences.frequency, Frequency::Never);
        open.recipient.profile.email
    });
    assert_eq!(address, None);
}

/// An address that sent mail back gets no more, until the person has another.
pub async fn an_address_that_sent_mail_back_is_known(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    stage.note(&reachable(client("c1"))).await;
    let mailbox = Mailbox::of(&stage, "c1");
    talk.say(&talk.salon, "1").await;
    let mail = mailbox.tell().await;
    talk.say(&talk.salon, "2").await;
    let suppress =
        async |address| store.suppress_address(address, stage.now()).await.expect(ANSWERS);
    assert_eq!(suppress("nobody@example.test").await, 0);
    assert!(!mailbox.case().await.is_suppressed);
    for _ in 0..2 {
        assert_eq!(suppress(" C1@Example.test").await, 1);
    }
    assert!(mailbox.case().await.is_suppressed);
    assert!(mailbox.try_open(&mail.id).await.expect("it did not leave").is_suppressed);
    let mut moved = reachable(client("c1"));
    moved.profile.email = Some("new@example.test".to_owned());
    stage.note(&moved).await;
    assert!(!mailbox.case().await.is_suppressed);
}

/// An address that is good again gets mail again when an operator says so, whoever has it.
pub async fn an_address_that_was_repaired_is_written_to_again(store: &dyn Store) {
    let stage = Stage::new(store);
    let allow = async |person| store.allow_address(&user(person)).await.expect(ANSWERS);
    for person in ["c1", "c2"] {
        let talk = stage.talk("s1", person).await;
        let mut shared = reachable(client(person));
        shared.profile.email = Some("Both@example.test".to_owned());
        stage.note(&shared).await;
        talk.say(&talk.salon, "1").await;
    }
    let suppressed = async || {
        let one = Mailbox::of(&stage, "c1").case().await.is_suppressed;
        (one, Mailbox::of(&stage, "c2").case().await.is_suppressed)
    };
    assert!(!allow("c1").await, "it was never suppressed");
    store.suppress_address("both@example.test", stage.now()).await.expect(ANSWERS);
    assert_eq!(suppressed().await, (true, true));
    assert!(!allow("nobody").await && !allow("s1").await);
    assert_eq!(suppressed().await, (true, true));
    assert!(allow("c1").await);
    assert_eq!(suppressed().await, (false, false));
    assert!(!allow("c2").await, "it is allowed already");
}

async fn target(stage: &Stage<'_>, token: &ReplyToken) -> Option<ReplyTarget> {
    stage.store.reply_target(token).await.expect(ANSWERS)
}

/// An answer finds its person and its conversation, by a token that stays the same.
pub async fn an_answer_finds_its_person_and_its_conversation(store: &dyn Store) {
    let stage = Stage::new(store);
    let (talk, other) = (stage.talk("s1", "c1").await, stage.talk("s1", "c1").await);
    let token = async |talk: &Talk<'_>, writer| {
        talk.say(writer, "Bonjour").await;
        let reader = if *writer == talk.salon { &talk.client } else { &talk.salon };
        let mailbox = Mailbox::of(&stage, reader.as_str());
        let mail = mailbox.tell().await;
        mailbox.chapters(&mail).await.remove(0).reply
    };
    let to_client = token(&talk, &talk.salon).await;
    assert_eq!(token(&talk, &talk.salon).await, to_client);
    let to_salon = token(&talk, &talk.client).await;
    let elsewhere = token(&other, &other.salon).await;
    assert!(to_client != to_salon && to_client != elsewhere && to_salon != elsewhere);
    for (token, talk, person) in [
        (&to_client, &talk, &talk.client),
        (&to_salon, &talk, &talk.salon),
        (&elsewhere, &other, &other.client),
    ] {
        let expected = ReplyTarget { person: person.clone(), conversation: talk.id.clone() };
        assert_eq!(target(&stage, token).await, Some(expected));
    }
    let forged = ReplyToken::parse("0123456789abcdef").expect("a good token");
    assert_eq!(target(&stage, &forged).await, None);
    talk.end().await;
    assert_eq!(target(&stage, &to_client).await.map(|found| found.person), Some(user("c1")));
}

/// An address is suppressed however its domain is written, and stays so when it is kept in another form.
pub async fn a_suppressed_address_is_known_however_its_domain_is_written(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let mut person = client("c1");
    person.profile.email = Some("lea@café.fr".to_owned());
    stage.note(&person).await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&stage, "c1");
    for told in ["lea@cafe.fr", "lea@xn--caf-dma.com"] {
        assert_eq!(store.suppress_address(told, stage.now()).await.expect(ANSWERS), 0, "{told}");
    }
    let noted = store.suppress_address("Lea@XN--CAF-DMA.fr", stage.now()).await;
    assert_eq!(noted.expect(ANSWERS), 1);
    assert!(mailbox.case().await.is_suppressed);
    person.profile.email = Some("lea@xn--caf-dma.fr".to_owned());
    stage.note(&person).await;
    assert!(mailbox.case().await.is_suppressed, "it is the same mailbox");
    assert!(store.allow_address(&person.id).await.expect(ANSWERS));
    person.profile.email = Some("lea@café.fr".to_owned());
    stage.note(&person).await;
    assert!(!mailbox.case().await.is_suppressed, "it is allowed in each form");
}
