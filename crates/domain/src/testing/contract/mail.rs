//! What waits to be told by mail.

use futures_util::future::join_all;

use super::setup::{
    ANSWERS, Fixture, Mailbox, Talk, all_forgotten, all_put_off, all_told, due, later, reachable,
};
use crate::{
    ids::{MailId, Seq},
    mail::{
        ConversationDigest, MAIL_QUOTES_MAX, MailDecision, PendingConversation, ReplyToken,
        WAITING_MAX,
        preferences::{Frequency, PreferenceChange},
        store::ReplyTarget,
    },
    store::Store,
    testing::fixture::{client, keyed, pictures, salon, text, user},
    text::Subject,
};

/// What one side says is noted for the other, once for all that it says there.
pub async fn what_is_said_is_noted_for_the_other_side(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    fixture.note(&reachable(client("c1"))).await;
    let before = fixture.now();
    let first = talk.say(&talk.salon, "Bonjour").await;
    let newest = talk.say(&talk.salon, "Samedi ?").await;
    assert_eq!(due(&fixture, before, before, 10).await, []);
    assert_eq!(due(&fixture, before, first.created_at, 10).await, [user("c1")]);

    let case = Mailbox::of(&fixture, "c1").case().await;
    assert_eq!(case.recipient, reachable(client("c1")));
    assert!(case.preferences.wants_mail() && !case.is_suppressed && case.recent_mails.is_empty());
    let expected = PendingConversation {
        conversation: talk.id.clone(),
        since: first.created_at,
        noted: 2,
        unmailed: 2,
        up_to: newest.seq,
        newest_at: newest.created_at,
        last_mailed_at: None,
    };
    assert_eq!(case.waiting, [expected]);
    talk.read(&talk.client).await;
    let read = &Mailbox::of(&fixture, "c1").case().await.waiting[0];
    assert_eq!((read.unmailed, read.newest_at), (0, read.since), "nothing is left to be old");
    assert_eq!(Mailbox::of(&fixture, "s1").try_case().await, None);
}

/// A person's mail is decided about as a whole, what waits longest first.
pub async fn all_that_waits_for_a_person_is_one_case(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, other) = (fixture.talk("s1", "c1").await, fixture.talk("s2", "c1").await);
    let elsewhere = fixture.talk("s1", "c2").await;
    other.say(&other.salon, "1").await;
    elsewhere.say(&elsewhere.salon, "2").await;
    one.say(&one.salon, "3").await;
    let waiting = Mailbox::of(&fixture, "c1").case().await.waiting;
    let waiting: Vec<_> = waiting.into_iter().map(|waiting| waiting.conversation).collect();
    assert_eq!(waiting, [other.id, one.id]);
    let now = fixture.now();
    assert_eq!(due(&fixture, now, now, 10).await, [user("c1"), user("c2")]);
    assert_eq!(due(&fixture, now, now, 1).await, [user("c1")]);
}

/// What is read as it arrives, a retry and what the platform says cause no mail.
pub async fn only_what_may_be_missed_is_noted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut plan = fixture.plan("s1", "c1").await;
    plan.opening = Some(fixture.opening("Bienvenue"));
    let (talk, _) = fixture.open(&plan).await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let mut seen = talk.post(&talk.salon, text("Vous êtes là ?"));
    seen.read_on_arrival = true;
    talk.try_post(&seen).await;
    assert_eq!(mailbox.try_case().await, None);

    for _ in 0..2 {
        talk.try_send(&talk.salon, keyed("Bonjour", "k1")).await;
    }
    let waiting = mailbox.case().await.waiting;
    assert_eq!((waiting[0].noted, waiting[0].unmailed), (1, 1));
}

/// What was read, deleted or taken away since is not to be told.
pub async fn what_was_read_or_deleted_is_not_to_be_told(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let unmailed = async || {
        let waiting = mailbox.case().await.waiting.remove(0);
        (waiting.unmailed, waiting.up_to)
    };
    let read = talk.say(&talk.salon, "1").await;
    let second = talk.say(&talk.salon, "2").await;
    let deleted = talk.say(&talk.salon, "3").await;
    talk.say(&talk.client, "mon mot").await;
    assert_eq!(unmailed().await, (3, deleted.seq));
    talk.read_up_to(&talk.client, read.seq).await;
    talk.delete(&deleted).await;
    assert_eq!(unmailed().await, (1, second.seq));
    talk.read(&talk.client).await;
    assert_eq!(unmailed().await.0, 0);

    let gone = fixture.talk("s2", "c2").await;
    gone.say(&gone.salon, "4").await;
    gone.end().await;
    let left = Mailbox::of(&fixture, "c2").try_case().await.map(|case| case.waiting);
    assert!(left.unwrap_or_default().iter().all(|waiting| waiting.unmailed == 0));
}

// What a mail says when it leaves, to whom, and where an answer to it belongs.

fn words(chapter: &ConversationDigest) -> Vec<&str> {
    chapter.quotes.iter().map(|quote| quote.words.as_str()).collect()
}

/// A letter tells who wrote, about what, how much, and quotes the newest.
pub async fn a_letter_tells_what_was_decided_on(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    fixture.note(&reachable(client("c1"))).await;
    talk.name("Bras").await;
    for number in 0..MAIL_QUOTES_MAX {
        talk.say(&talk.salon, &number.to_string()).await;
    }
    talk.say(&talk.client, "mon mot").await;
    let newest = talk.send(&talk.salon, pictures("Voilà", 2, None)).await.message;
    let mailbox = Mailbox::of(&fixture, "c1");
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
    let fixture = Fixture::new(store);
    let (talk, other) = (fixture.talk("s1", "c1").await, fixture.talk("s2", "c1").await);
    let read = talk.say(&talk.salon, "1").await;
    let deleted = talk.say(&talk.salon, "2").await;
    talk.say(&talk.salon, "3").await;
    other.say(&other.salon, "4").await;
    let mailbox = Mailbox::of(&fixture, "c1");
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    fixture.note(&reachable(client("c1"))).await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let mail = mailbox.tell().await;
    let never =
        PreferenceChange { frequency: Some(Frequency::Never), ..PreferenceChange::default() };
    store.change_preferences(&talk.client, &never, fixture.now()).await.expect(ANSWERS);
    store.request_erasure(&talk.client, fixture.now()).await.expect(ANSWERS);
    let gone = mailbox.try_open(&mail.id).await;
    let address = gone.and_then(|open| {
        assert_eq!(open.preferences.frequency, Frequency::Never);
        open.recipient.profile.email
    });
    assert_eq!(address, None);
}

/// An address that sent mail back gets no more, until the person has another.
pub async fn an_address_that_sent_mail_back_is_known(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    fixture.note(&reachable(client("c1"))).await;
    let mailbox = Mailbox::of(&fixture, "c1");
    talk.say(&talk.salon, "1").await;
    let mail = mailbox.tell().await;
    talk.say(&talk.salon, "2").await;
    let suppress =
        async |address| store.suppress_address(address, fixture.now()).await.expect(ANSWERS);
    assert_eq!(suppress("nobody@example.test").await, 0);
    assert!(!mailbox.case().await.is_suppressed);
    for _ in 0..2 {
        assert_eq!(suppress(" C1@Example.test").await, 1);
    }
    assert!(mailbox.case().await.is_suppressed);
    assert!(mailbox.try_open(&mail.id).await.expect("it did not leave").is_suppressed);
    let mut moved = reachable(client("c1"));
    moved.profile.email = Some("new@example.test".to_owned());
    fixture.note(&moved).await;
    assert!(!mailbox.case().await.is_suppressed);
}

/// An address that is good again gets mail again when an operator says so, whoever has it.
pub async fn an_address_that_was_repaired_is_written_to_again(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let allow = async |person| store.allow_address(&user(person)).await.expect(ANSWERS);
    for person in ["c1", "c2"] {
        let talk = fixture.talk("s1", person).await;
        let mut shared = reachable(client(person));
        shared.profile.email = Some("Both@example.test".to_owned());
        fixture.note(&shared).await;
        talk.say(&talk.salon, "1").await;
    }
    let suppressed = async || {
        let one = Mailbox::of(&fixture, "c1").case().await.is_suppressed;
        (one, Mailbox::of(&fixture, "c2").case().await.is_suppressed)
    };
    assert!(!allow("c1").await, "it was never suppressed");
    store.suppress_address("both@example.test", fixture.now()).await.expect(ANSWERS);
    assert_eq!(suppressed().await, (true, true));
    assert!(!allow("nobody").await && !allow("s1").await);
    assert_eq!(suppressed().await, (true, true));
    assert!(allow("c1").await);
    assert_eq!(suppressed().await, (false, false));
    assert!(!allow("c2").await, "it is allowed already");
}

async fn target(fixture: &Fixture<'_>, token: &ReplyToken) -> Option<ReplyTarget> {
    fixture.store.reply_target(token).await.expect(ANSWERS)
}

/// An answer finds its person and its conversation, by a token that stays the same.
pub async fn an_answer_finds_its_person_and_its_conversation(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (talk, other) = (fixture.talk("s1", "c1").await, fixture.talk("s1", "c1").await);
    let token = async |talk: &Talk<'_>, writer| {
        talk.say(writer, "Bonjour").await;
        let reader = if *writer == talk.salon { &talk.client } else { &talk.salon };
        let mailbox = Mailbox::of(&fixture, reader.as_str());
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
        assert_eq!(target(&fixture, token).await, Some(expected));
    }
    let forged = ReplyToken::parse("0123456789abcdef").expect("a good token");
    assert_eq!(target(&fixture, &forged).await, None);
    talk.end().await;
    assert_eq!(target(&fixture, &to_client).await.map(|found| found.person), Some(user("c1")));
}

/// An address is suppressed however its domain is written, and stays so when it is kept in another form.
pub async fn a_suppressed_address_is_known_however_its_domain_is_written(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let mut person = client("c1");
    person.profile.email = Some("lea@café.fr".to_owned());
    fixture.note(&person).await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    for told in ["lea@cafe.fr", "lea@xn--caf-dma.com"] {
        assert_eq!(store.suppress_address(told, fixture.now()).await.expect(ANSWERS), 0, "{told}");
    }
    let noted = store.suppress_address("Lea@XN--CAF-DMA.fr", fixture.now()).await;
    assert_eq!(noted.expect(ANSWERS), 1);
    assert!(mailbox.case().await.is_suppressed);
    person.profile.email = Some("lea@xn--caf-dma.fr".to_owned());
    fixture.note(&person).await;
    assert!(mailbox.case().await.is_suppressed, "it is the same mailbox");
    assert!(store.allow_address(&person.id).await.expect(ANSWERS));
    person.profile.email = Some("lea@café.fr".to_owned());
    fixture.note(&person).await;
    assert!(!mailbox.case().await.is_suppressed, "it is allowed in each form");
}

// What becomes of what waits to be told by mail.

/// What was put off is due when it was put off to, and nothing new makes it due sooner.
pub async fn what_was_put_off_is_due_then(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let (mailbox, now) = (Mailbox::of(&fixture, "c1"), fixture.now());
    let until = later(now, 3_600_000);
    let case = mailbox.case().await;
    mailbox.settled(&case, &all_put_off(&case, until)).await;
    talk.say(&talk.salon, "2").await;
    assert_eq!(due(&fixture, later(until, -1), later(until, -1), 10).await, []);
    assert_eq!(due(&fixture, until, now, 10).await, [user("c1")]);
    let waiting = mailbox.case().await.waiting.remove(0);
    assert_eq!((waiting.unmailed, waiting.since), (2, case.waiting[0].since));
    assert_eq!(fixture.tasks().await, []);
}

/// What is told is told by a mail, in a job, and waits no more; later words are new.
pub async fn what_is_told_is_in_a_mail_and_waits_no_more(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let mail = mailbox.tell().await;
    assert_eq!(fixture.tasks().await, [("send_mail".to_owned(), mail.id.to_string())]);
    assert_eq!(mailbox.try_case().await, None);

    let news = talk.say(&talk.salon, "2").await;
    let case = mailbox.case().await;
    let waiting = &case.waiting[0];
    assert_eq!(
        (waiting.unmailed, waiting.up_to, waiting.last_mailed_at),
        (1, news.seq, Some(mail.at))
    );
    assert_eq!(case.recent_mails, [mail.at]);
    let last = mailbox.case_at(later(mail.at, 59_999)).await.expect("it waits");
    assert_eq!(last.recent_mails, [mail.at]);
    let after = mailbox.case_at(later(mail.at, 60_000)).await.expect("it waits");
    assert_eq!(after.recent_mails, []);
}

/// What is forgotten waits no more, and makes no mail.
pub async fn what_is_forgotten_waits_no_more(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let case = mailbox.case().await;
    let mail = mailbox.new_mail();
    assert!(mailbox.settle(&case, &all_forgotten(&case), &mail).await);
    assert_eq!((mailbox.try_case().await, mailbox.try_open(&mail.id).await), (None, None));
    assert_eq!(fixture.tasks().await, []);
    talk.say(&talk.salon, "2").await;
    assert_eq!(mailbox.case().await.waiting[0].unmailed, 2, "no mail told of the first");
}

/// Each of the three lists of a verdict is carried out.
pub async fn a_verdict_is_carried_out_as_a_whole(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut talks = vec![];
    for salon in ["s1", "s2", "s3"] {
        let talk = fixture.talk(salon, "c1").await;
        talk.say(&talk.salon, "Bonjour").await;
        talks.push(talk);
    }
    let mailbox = Mailbox::of(&fixture, "c1");
    let (case, mail) = (mailbox.case().await, mailbox.new_mail());
    let mut verdict = all_told(&case);
    verdict.tell.truncate(1);
    verdict.wait = all_put_off(&case, later(mail.at, 1)).wait.split_off(2);
    verdict.forget = all_forgotten(&case).forget[1..2].to_vec();
    assert!(mailbox.settle(&case, &verdict, &mail).await);
    let waiting = mailbox.case().await.waiting;
    assert_eq!((waiting.len(), &waiting[0].conversation), (1, &talks[2].id));
    let told = mailbox.chapters(&mail).await;
    assert_eq!((told.len(), &told[0].conversation), (1, &talks[0].id));
}

/// Of several who settle the same case, one does; the others change nothing.
pub async fn a_case_is_settled_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let case = mailbox.case().await;
    let (verdict, mails) = (all_told(&case), [(); 10].map(|()| mailbox.new_mail()));
    let settled = join_all(mails.iter().map(|mail| mailbox.settle(&case, &verdict, mail))).await;
    assert_eq!(settled.iter().filter(|settled| **settled).count(), 1, "{settled:?}");
    assert_eq!(fixture.tasks().await.len(), 1);
    for (mail, settled) in mails.iter().zip(settled) {
        assert_eq!(mailbox.try_open(&mail.id).await.is_some(), settled);
    }

    talk.say(&talk.salon, "2").await;
    assert!(!mailbox.settle(&case, &all_forgotten(&case), &mailbox.new_mail()).await);
    assert_eq!(mailbox.case().await.waiting[0].unmailed, 1, "the new one waits");
}

/// What is said between a look and its verdict waits for the next look, whatever the verdict.
pub async fn what_is_said_before_the_verdict_waits(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for (number, decide) in [all_told, all_forgotten].into_iter().enumerate() {
        let (salon, client) = (format!("s{number}"), format!("c{number}"));
        let talk = fixture.talk(&salon, &client).await;
        let mailbox = Mailbox::of(&fixture, &client);
        talk.say(&talk.salon, "1").await;
        let case = mailbox.case().await;
        let news = talk.say(&talk.salon, "2").await;
        let mail = mailbox.new_mail();
        assert!(mailbox.settle(&case, &decide(&case), &mail).await);
        let waiting = mailbox.case().await.waiting.remove(0);
        assert_eq!((waiting.noted, waiting.up_to, waiting.since), (1, news.seq, mail.at));
        assert!(!due(&fixture, mail.at, later(mail.at, -1), 10).await.contains(&mailbox.owner));
        assert!(due(&fixture, mail.at, mail.at, 10).await.contains(&mailbox.owner));
    }
}

/// A mail that tells nothing is none, and a verdict about nothing is fine.
pub async fn a_verdict_about_nothing_makes_no_mail(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&fixture, "c1");
    let case = mailbox.case().await;
    mailbox.settled(&case, &MailDecision::default()).await;
    assert_eq!(fixture.tasks().await, []);
    assert_eq!(mailbox.case().await.waiting, case.waiting);
    assert!(case.waiting[0].up_to > Seq::ZERO);
    assert_eq!(store.mail_case(&user("nobody"), fixture.now()).await.expect(ANSWERS), None);
}

/// However much was put off, what was not comes first: a person with more than one case holds is done
/// with in a few rounds.
pub async fn what_was_put_off_keeps_nothing_from_being_looked_at(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mailbox = Mailbox::of(&fixture, "c1");
    let mut newest = None;
    for _ in 0..=WAITING_MAX {
        let talk = fixture.talk("s1", "c1").await;
        talk.say(&talk.salon, "1").await;
        newest = Some(talk.id);
    }
    let tomorrow = later(fixture.now(), 86_400_000);
    for left in [WAITING_MAX, 0] {
        let case = mailbox.case().await;
        assert_eq!(case.waiting.len(), WAITING_MAX);
        assert_eq!(Some(&case.waiting[0].conversation) == newest.as_ref(), left == 0);
        mailbox.settled(&case, &all_put_off(&case, tomorrow)).await;
        let now = fixture.now();
        assert_eq!(due(&fixture, now, now, 10).await.is_empty(), left == 0);
    }
}
