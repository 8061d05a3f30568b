//! What waits to be told by mail.

use super::{
    mailbox::{Mailbox, due, reachable},
    stage::Stage,
};
use crate::{
    mail::PendingConversation,
    ports::Store,
    testing::fixture::{client, keyed, text, user},
};

/// What one side says is noted for the other, once for all that it says there.
pub async fn what_is_said_is_noted_for_the_other_side(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    stage.note(&reachable(client("c1"))).await;
    let before = stage.now();
    let first = talk.say(&talk.salon, "Bonjour").await;
    let newest = talk.say(&talk.salon, "Samedi ?").await;
    assert_eq!(due(&stage, before, before, 10).await, []);
    assert_eq!(due(&stage, before, first.created_at, 10).await, [user("c1")]);

    let case = Mailbox::of(&stage, "c1").case().await;
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
    let read = &Mailbox::of(&stage, "c1").case().await.waiting[0];
    assert_eq!((read.unmailed, read.newest_at), (0, read.since), "nothing is left to be old");
    assert_eq!(Mailbox::of(&stage, "s1").try_case().await, None);
}

/// A person's mail is decided about as a whole, what waits longest first.
pub async fn all_that_waits_for_a_person_is_one_case(store: &dyn Store) {
    let stage = Stage::new(store);
    let (one, other) = (stage.talk("s1", "c1").await, stage.talk("s2", "c1").await);
    let elsewhere = stage.talk("s1", "c2").await;
    other.say(&other.salon, "1").await;
    elsewhere.say(&elsewhere.salon, "2").await;
    one.say(&one.salon, "3").await;
    let waiting = Mailbox::of(&stage, "c1").case().await.waiting;
    let waiting: Vec<_> = waiting.into_iter().map(|waiting| waiting.conversation).collect();
    assert_eq!(waiting, [other.id, one.id]);
    let now = stage.now();
    assert_eq!(due(&stage, now, now, 10).await, [user("c1"), user("c2")]);
    assert_eq!(due(&stage, now, now, 1).await, [user("c1")]);
}

/// What is read as it arrives, a retry and what the platform says cause no mail.
pub async fn only_what_may_be_missed_is_noted(store: &dyn Store) {
    let stage = Stage::new(store);
    let mut plan = stage.plan("s1", "c1").await;
    plan.opening = Some(stage.opening("Bienvenue"));
    let (talk, _) = stage.open(&plan).await;
    let mailbox = Mailbox::of(&stage, "c1");
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let mailbox = Mailbox::of(&stage, "c1");
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

    let gone = stage.talk("s2", "c2").await;
    gone.say(&gone.salon, "4").await;
    gone.end().await;
    let left = Mailbox::of(&stage, "c2").try_case().await.map(|case| case.waiting);
    assert!(left.unwrap_or_default().iter().all(|waiting| waiting.unmailed == 0));
}
