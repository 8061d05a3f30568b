//! What becomes of what waits to be told by mail.

use futures_util::future::join_all;

use super::{
    mailbox::{Mailbox, all_forgotten, all_put_off, all_told, due, later},
    stage::{ANSWERS, Stage},
};
use crate::{
    mail::{MailDecision, WAITING_MAX},
    ports::Store,
    seq::Seq,
    testing::fixture::user,
};

/// What was put off is due when it was put off to, and nothing new makes it due sooner.
pub async fn what_was_put_off_is_due_then(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let (mailbox, now) = (Mailbox::of(&stage, "c1"), stage.now());
    let until = later(now, 3_600_000);
    let case = mailbox.case().await;
    mailbox.settled(&case, &all_put_off(&case, until)).await;
    talk.say(&talk.salon, "2").await;
    assert_eq!(due(&stage, later(until, -1), later(until, -1), 10).await, []);
    assert_eq!(due(&stage, until, now, 10).await, [user("c1")]);
    let waiting = mailbox.case().await.waiting.remove(0);
    assert_eq!((waiting.unmailed, waiting.since), (2, case.waiting[0].since));
    assert_eq!(stage.tasks().await, []);
}

/// What is told is told by a mail, in a job, and waits no more; later words are new.
pub async fn what_is_told_is_in_a_mail_and_waits_no_more(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&stage, "c1");
    let mail = mailbox.tell().await;
    assert_eq!(stage.tasks().await, [("send_mail".to_owned(), mail.id.to_string())]);
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&stage, "c1");
    let case = mailbox.case().await;
    let mail = mailbox.new_mail();
    assert!(mailbox.settle(&case, &all_forgotten(&case), &mail).await);
    assert_eq!((mailbox.try_case().await, mailbox.try_open(&mail.id).await), (None, None));
    assert_eq!(stage.tasks().await, []);
    talk.say(&talk.salon, "2").await;
    assert_eq!(mailbox.case().await.waiting[0].unmailed, 2, "no mail told of the first");
}

/// Each of the three lists of a verdict is carried out.
pub async fn a_verdict_is_carried_out_as_a_whole(store: &dyn Store) {
    let stage = Stage::new(store);
    let mut talks = vec![];
    for salon in ["s1", "s2", "s3"] {
        let talk = stage.talk(salon, "c1").await;
        talk.say(&talk.salon, "Bonjour").await;
        talks.push(talk);
    }
    let mailbox = Mailbox::of(&stage, "c1");
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&stage, "c1");
    let case = mailbox.case().await;
    let (verdict, mails) = (all_told(&case), [(); 10].map(|()| mailbox.new_mail()));
    let settled = join_all(mails.iter().map(|mail| mailbox.settle(&case, &verdict, mail))).await;
    assert_eq!(settled.iter().filter(|settled| **settled).count(), 1, "{settled:?}");
    assert_eq!(stage.tasks().await.len(), 1);
    for (mail, settled) in mails.iter().zip(settled) {
        assert_eq!(mailbox.try_open(&mail.id).await.is_some(), settled);
    }

    talk.say(&talk.salon, "2").await;
    assert!(!mailbox.settle(&case, &all_forgotten(&case), &mailbox.new_mail()).await);
    assert_eq!(mailbox.case().await.waiting[0].unmailed, 1, "the new one waits");
}

/// What is said between a look and its verdict waits for the next look, whatever the verdict.
pub async fn what_is_said_before_the_verdict_waits(store: &dyn Store) {
    let stage = Stage::new(store);
    for (number, decide) in [all_told, all_forgotten].into_iter().enumerate() {
        let (salon, client) = (format!("s{number}"), format!("c{number}"));
        let talk = stage.talk(&salon, &client).await;
        let mailbox = Mailbox::of(&stage, &client);
        talk.say(&talk.salon, "1").await;
        let case = mailbox.case().await;
        let news = talk.say(&talk.salon, "2").await;
        let mail = mailbox.new_mail();
        assert!(mailbox.settle(&case, &decide(&case), &mail).await);
        let waiting = mailbox.case().await.waiting.remove(0);
        assert_eq!((waiting.noted, waiting.up_to, waiting.since), (1, news.seq, mail.at));
        assert!(!due(&stage, mail.at, later(mail.at, -1), 10).await.contains(&mailbox.owner));
        assert!(due(&stage, mail.at, mail.at, 10).await.contains(&mailbox.owner));
    }
}

/// A mail that tells nothing is none, and a verdict about nothing is fine.
pub async fn a_verdict_about_nothing_makes_no_mail(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.salon, "1").await;
    let mailbox = Mailbox::of(&stage, "c1");
    let case = mailbox.case().await;
    mailbox.settled(&case, &MailDecision::default()).await;
    assert_eq!(stage.tasks().await, []);
    assert_eq!(mailbox.case().await.waiting, case.waiting);
    assert!(case.waiting[0].up_to > Seq::ZERO);
    assert_eq!(store.mail_case(&user("nobody"), stage.now()).await.expect(ANSWERS), None);
}

/// However much was put off, what was not comes first: a person with more than one case holds is done
/// with in a few rounds.
pub async fn what_was_put_off_keeps_nothing_from_being_looked_at(store: &dyn Store) {
    let stage = Stage::new(store);
    let mailbox = Mailbox::of(&stage, "c1");
    let mut newest = None;
    for _ in 0..=WAITING_MAX {
        let talk = stage.talk("s1", "c1").await;
        talk.say(&talk.salon, "1").await;
        newest = Some(talk.id);
    }
    let tomorrow = later(stage.now(), 86_400_000);
    for left in [WAITING_MAX, 0] {
        let case = mailbox.case().await;
        assert_eq!(case.waiting.len(), WAITING_MAX);
        assert_eq!(Some(&case.waiting[0].conversation) == newest.as_ref(), left == 0);
        mailbox.settled(&case, &all_put_off(&case, tomorrow)).await;
        let now = stage.now();
        assert_eq!(due(&stage, now, now, 10).await.is_empty(), left == 0);
    }
}
