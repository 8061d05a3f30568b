//! What is kept for how long, and letting it go.

use super::{
    aged::{Aged, old},
    stage::{ANSWERS, Stage},
};
use crate::{
    conversation::Status,
    id::ConversationId,
    job::Task,
    language::Language,
    participant::Participant,
    ports::{JobFilter, Store},
    retention::{RetentionPolicy, SalonRetention},
    testing::fixture::{client, user},
};

fn policy(archive: u32, delete: Option<u32>) -> RetentionPolicy {
    RetentionPolicy::new(archive, delete).expect("good")
}

/// A policy that was put here stands until the next one.
pub async fn a_policy_is_kept_until_the_next(store: &dyn Store) {
    let stage = Stage::new(store);
    assert_eq!(store.retention_policy().await.expect(ANSWERS), None);
    for policy in [policy(90, Some(30)), policy(1, None)] {
        store.put_retention_policy(policy, stage.now()).await.expect(ANSWERS);
        assert_eq!(store.retention_policy().await.expect(ANSWERS), Some(policy));
    }
}

/// A salon may have a policy of its own, a hold, both or neither; another salon has nothing of it.
pub async fn a_salon_may_have_something_of_its_own(store: &dyn Store) {
    let stage = Stage::new(store);
    let (one, other) = (user("s1"), user("s2"));
    for (policy, is_held) in [(Some(policy(30, Some(365))), false), (None, true), (None, false)] {
        let own = SalonRetention { policy, is_held };
        store.put_salon_retention(&one, own, stage.now()).await.expect(ANSWERS);
        assert_eq!(store.salon_retention(&one).await.expect(ANSWERS), Some(own));
    }
    assert_eq!(store.salon_retention(&other).await.expect(ANSWERS), None);
    assert!(store.drop_salon_retention(&one).await.expect(ANSWERS));
    assert!(!store.drop_salon_retention(&one).await.expect(ANSWERS));
    assert_eq!(store.salon_retention(&one).await.expect(ANSWERS), None);
}

/// The walk passes every conversation once, and names those that are old enough, as they stand.
pub async fn the_walk_meets_every_old_conversation_once(store: &dyn Store) {
    let stage = Stage::new(store);
    let mut expected = vec![];
    for number in 0..7 {
        let talk = stage.talk(&format!("s{number}"), "c1").await;
        talk.say(&talk.client, "Bonjour").await;
        expected.push(talk.id.clone());
    }
    let late = stage.talk("s8", "c1").await;
    let quiet_since = stage.now();
    late.say(&late.client, "Bonjour").await;
    let found = stage.walk(Status::Active, quiet_since, 3).await;
    assert!(found.iter().map(|age| &age.id).eq(&expected), "{found:?}");
    assert_eq!(stage.walk(Status::Archived, quiet_since, 3).await, []);
    assert_eq!(stage.walk(Status::Active, old(), 3).await, []);
}

/// A conversation's age says all that the rule asks for.
pub async fn an_age_says_what_the_rule_asks_for(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let mut english: Participant = client("c1");
    english.profile.language = Some(Language::English);
    stage.note(&english).await;
    let own = SalonRetention { policy: Some(policy(30, None)), is_held: false };
    store.put_salon_retention(&talk.salon, own, stage.now()).await.expect(ANSWERS);
    let found = async || stage.walk(Status::Active, stage.now(), 9).await.remove(0);
    let silent = found().await;
    assert_eq!((&silent.id, &silent.salon, silent.policy), (&talk.id, &talk.salon, own.policy));
    assert_eq!((silent.language, silent.says_something), (Some(Language::English), false));
    let message = talk.say(&talk.client, "Bonjour").await;
    talk.name("RDV").await;
    let (now, spoken) = (talk.state().await, found().await);
    assert_eq!((spoken.last_message_at, spoken.updated_at), (message.created_at, now.updated_at));
    assert!(spoken.says_something && !spoken.is_held);
    store.hold_conversation(&talk.id, stage.now()).await.expect(ANSWERS);
    assert!(found().await.is_held);
}

/// A log loses its beginning up to the first entry that is not old, a bounded piece at a time, and
/// says so to who asks for it. Who knows the rest loses nothing.
pub async fn a_log_loses_its_old_beginning(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    for words in ["2", "3", "4"] {
        talk.say(&talk.client, words).await;
    }
    let before = stage.now();
    talk.say(&talk.client, "5").await;
    let whole = talk.log().await;
    let counted = stage.count_old_entries(before, None, 9).await;
    assert_eq!((counted.entries, counted.next.as_ref()), (4, Some(&talk.id)));
    for entries in [3, 1, 0] {
        assert_eq!(stage.trim(before, 3).await.entries, entries);
    }
    assert_eq!(stage.count_old_entries(before, None, 9).await.entries, 0);
    assert!(talk.is_trimmed(3).await);
    assert!(!talk.is_trimmed(4).await);
    assert_eq!(
        talk.log_as(&talk.client, super::stage::at(4), 9).await.expect("reaches back"),
        whole[4..]
    );
    assert_eq!(talk.words().await.len(), 4, "messages stay");
    assert_eq!(stage.trim(stage.now(), 9).await.entries, 1);
    assert!(!talk.is_trimmed(5).await, "who knows all misses nothing");
    talk.say(&talk.client, "6").await;
    assert!(talk.is_trimmed(4).await);
    assert!(!talk.is_trimmed(5).await);
}

/// The walk through the logs passes every conversation, deleted ones too.
pub async fn the_logs_of_what_is_gone_are_forgotten_too(store: &dyn Store) {
    let stage = Stage::new(store);
    for number in 0..3 {
        stage.talk(&format!("s{number}"), "c1").await;
    }
    stage.talk("s4", "c1").await.end().await;
    let before = stage.now();
    let (mut counted, mut after) = (0, None);
    loop {
        let piece = stage.count_old_entries(before, after, 1).await;
        counted += piece.entries;
        let Some(next) = piece.next else { break };
        after = Some(next);
    }
    assert_eq!(counted, 5);
    assert_eq!(stage.trim(before, 1_000).await.entries, 5);
}

/// The nights' work is entered each night, once for all, and goes on where it is told to.
pub async fn a_night_s_work_is_entered_once(store: &dyn Store) {
    let stage = Stage::new(store);
    store.start_due_schedules(stage.now()).await.expect(ANSWERS);
    // Later than any store was made in which this is looked at.
    let night = crate::retention::next_night(super::aged::far_future());
    let works = async || {
        let tasks = stage.tasks().await.into_iter();
        tasks.filter(|(kind, _)| kind != "purge_uploads").collect::<Vec<_>>()
    };
    assert_eq!(works().await, []);
    let due = [store.start_due_schedules(night).await, store.start_due_schedules(night).await];
    assert_eq!(due.map(|due| due.expect(ANSWERS)), [4, 0]);
    let night_s =
        ["archive_aged", "empty_aged", "trim_log"].map(|kind| (kind.to_owned(), String::new()));
    assert_eq!(works().await, night_s);
    let after = ConversationId::parse("t1").ok();
    store.enqueue_continuation(&Task::ArchiveAged(after.clone()), night).await.expect(ANSWERS);
    let jobs = store.jobs(JobFilter::All, 9).await.expect(ANSWERS);
    assert!(jobs.iter().any(|job| job.task == Task::ArchiveAged(after.clone())), "{jobs:?}");
}
