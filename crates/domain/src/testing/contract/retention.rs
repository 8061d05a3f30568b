//! What is kept for how long, and letting it go.

use super::setup::{ANSWERS, Aged, Fixture, old};
use crate::{
    conversation::{
        Status,
        event::EventKind,
        store::{ReadTarget, StatusEdit},
    },
    ids::ConversationId,
    jobs::{Task, store::JobFilter},
    page::Window,
    participant::{Language, Participant},
    retention::{RetentionPolicy, SalonRetention, store::Usage},
    store::Store,
    testing::fixture::{client, pictures, user},
};

fn policy(archive: u32, delete: Option<u32>) -> RetentionPolicy {
    RetentionPolicy::new(archive, delete).expect("good")
}

/// A policy that was put here stands until the next one.
pub async fn a_policy_is_kept_until_the_next(store: &dyn Store) {
    let fixture = Fixture::new(store);
    assert_eq!(store.retention_policy().await.expect(ANSWERS), None);
    for policy in [policy(90, Some(30)), policy(1, None)] {
        store.put_retention_policy(policy, fixture.now()).await.expect(ANSWERS);
        assert_eq!(store.retention_policy().await.expect(ANSWERS), Some(policy));
    }
}

/// A salon may have a policy of its own, a hold, both or neither; another salon has nothing of it.
pub async fn a_salon_may_have_something_of_its_own(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, other) = (user("s1"), user("s2"));
    for (policy, is_held) in [(Some(policy(30, Some(365))), false), (None, true), (None, false)] {
        let own = SalonRetention { policy, is_held };
        store.put_salon_retention(&one, own, fixture.now()).await.expect(ANSWERS);
        assert_eq!(store.salon_retention(&one).await.expect(ANSWERS), Some(own));
    }
    assert_eq!(store.salon_retention(&other).await.expect(ANSWERS), None);
    assert!(store.drop_salon_retention(&one).await.expect(ANSWERS));
    assert!(!store.drop_salon_retention(&one).await.expect(ANSWERS));
    assert_eq!(store.salon_retention(&one).await.expect(ANSWERS), None);
}

/// The walk passes every conversation once, and names those that are old enough, as they stand.
pub async fn the_walk_meets_every_old_conversation_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut expected = vec![];
    for number in 0..7 {
        let talk = fixture.talk(&format!("s{number}"), "c1").await;
        talk.say(&talk.client, "Bonjour").await;
        expected.push(talk.id.clone());
    }
    let late = fixture.talk("s8", "c1").await;
    let quiet_since = fixture.now();
    late.say(&late.client, "Bonjour").await;
    let found = fixture.walk(Status::Active, quiet_since, 3).await;
    assert!(found.iter().map(|age| &age.id).eq(&expected), "{found:?}");
    assert_eq!(fixture.walk(Status::Archived, quiet_since, 3).await, []);
    assert_eq!(fixture.walk(Status::Active, old(), 3).await, []);
}

/// A conversation's age says all that the rule asks for.
pub async fn an_age_says_what_the_rule_asks_for(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let mut english: Participant = client("c1");
    english.profile.language = Some(Language::English);
    fixture.note(&english).await;
    let own = SalonRetention { policy: Some(policy(30, None)), is_held: false };
    store.put_salon_retention(&talk.salon, own, fixture.now()).await.expect(ANSWERS);
    let found = async || fixture.walk(Status::Active, fixture.now(), 9).await.remove(0);
    let silent = found().await;
    assert_eq!((&silent.id, &silent.salon, silent.policy), (&talk.id, &talk.salon, own.policy));
    assert_eq!((silent.language, silent.says_something), (Some(Language::English), false));
    let message = talk.say(&talk.client, "Bonjour").await;
    talk.name("RDV").await;
    let (now, spoken) = (talk.state().await, found().await);
    assert_eq!((spoken.last_message_at, spoken.updated_at), (message.created_at, now.updated_at));
    assert!(spoken.says_something && !spoken.is_held);
    store.hold_conversation(&talk.id, fixture.now()).await.expect(ANSWERS);
    assert!(found().await.is_held);
}

/// A log loses its beginning up to the first entry that is not old, a bounded piece at a time, and
/// says so to who asks for it. Who knows the rest loses nothing.
pub async fn a_log_loses_its_old_beginning(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    for words in ["2", "3", "4"] {
        talk.say(&talk.client, words).await;
    }
    let before = fixture.now();
    talk.say(&talk.client, "5").await;
    let whole = talk.log().await;
    let counted = fixture.count_old_entries(before, None, 9).await;
    assert_eq!((counted.entries, counted.next.as_ref()), (4, Some(&talk.id)));
    for entries in [3, 1, 0] {
        assert_eq!(fixture.trim(before, 3).await.entries, entries);
    }
    assert_eq!(fixture.count_old_entries(before, None, 9).await.entries, 0);
    assert!(talk.is_trimmed(3).await);
    assert!(!talk.is_trimmed(4).await);
    assert_eq!(
        talk.log_as(&talk.client, super::setup::at(4), 9).await.expect("reaches back"),
        whole[4..]
    );
    assert_eq!(talk.words().await.len(), 4, "messages stay");
    assert_eq!(fixture.trim(fixture.now(), 9).await.entries, 1);
    assert!(!talk.is_trimmed(5).await, "who knows all misses nothing");
    talk.say(&talk.client, "6").await;
    assert!(talk.is_trimmed(4).await);
    assert!(!talk.is_trimmed(5).await);
}

/// The walk through the logs passes every conversation, deleted ones too.
pub async fn the_logs_of_what_is_gone_are_forgotten_too(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for number in 0..3 {
        fixture.talk(&format!("s{number}"), "c1").await;
    }
    fixture.talk("s4", "c1").await.end().await;
    let before = fixture.now();
    let (mut counted, mut after) = (0, None);
    loop {
        let piece = fixture.count_old_entries(before, after, 1).await;
        counted += piece.entries;
        let Some(next) = piece.next else { break };
        after = Some(next);
    }
    assert_eq!(counted, 5);
    assert_eq!(fixture.trim(before, 1_000).await.entries, 5);
}

/// Retention work is enqueued for each daily run, once for all nodes, and continues where it is told to.
pub async fn a_night_s_work_is_entered_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    store.start_due_schedules(fixture.now()).await.expect(ANSWERS);
    // Later than any store was made in which this is looked at.
    let daily_run = crate::retention::next_daily_run(super::setup::far_future());
    let works = async || {
        let tasks = fixture.tasks().await.into_iter();
        tasks.filter(|(kind, _)| kind != "purge_uploads").collect::<Vec<_>>()
    };
    assert_eq!(works().await, []);
    let due =
        [store.start_due_schedules(daily_run).await, store.start_due_schedules(daily_run).await];
    assert_eq!(due.map(|due| due.expect(ANSWERS)), [4, 0]);
    let night_s =
        ["archive_aged", "empty_aged", "trim_log"].map(|kind| (kind.to_owned(), String::new()));
    assert_eq!(works().await, night_s);
    let after = ConversationId::parse("t1").ok();
    store.enqueue_continuation(&Task::ArchiveAged(after.clone()), daily_run).await.expect(ANSWERS);
    let jobs = store.jobs(JobFilter::All, 9).await.expect(ANSWERS);
    assert!(jobs.iter().any(|job| job.task == Task::ArchiveAged(after.clone())), "{jobs:?}");
}

// Putting conversations away for their age, and deleting what is in them.

/// What is put away for its age says so, and keeps its place: nobody has more to read by it, and no
/// list is in another order.
pub async fn what_is_put_away_for_its_age_wakes_nobody(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.salon, "Bonjour").await;
    let newest = talk.say(&talk.client, "Samedi ?").await;
    let before =
        (fixture.unread_total(&talk.salon).await, fixture.unread_total(&talk.client).await);
    let events = talk.archive_for_age(fixture.now()).await;
    let [updated, posted] = &events[..] else { panic!("two things happen: {events:?}") };
    let archived = EventKind::ConversationUpdated { subject: None, status: Status::Archived };
    assert_eq!((&updated.kind, &updated.actor), (&archived, &talk.salon));
    let EventKind::MessagePosted(notice) = &posted.kind else { panic!("{posted:?}") };
    let data = notice.notice.as_ref().expect("it is one");
    assert_eq!((data.kind(), data.fields()), ("archived-for-age", vec![("days", "90".to_owned())]));
    assert_eq!((&notice.author.id, notice.is_read, notice.read_at), (&talk.salon, true, None));
    assert_eq!(talk.log().await[3..], events[..]);
    assert_eq!(talk.history(&Window::first(9)).await.page.total, 3);
    for reader in [&talk.salon, &talk.client] {
        let view = talk.view(reader).await;
        assert_eq!(
            (view.unread, view.last_message.expect("one is left").id),
            (1, newest.id.clone())
        );
        assert_eq!(view.conversation.last_message_at, newest.created_at);
        assert_eq!(view.conversation.status, Status::Archived);
    }
    let after = (fixture.unread_total(&talk.salon).await, fixture.unread_total(&talk.client).await);
    assert_eq!((before, after), ((1, 1), (1, 1)));
    assert_eq!(talk.archive_for_age(fixture.now()).await, [], "it is put away already");
}

/// A notice of the house is nobody's to delete, and counts in no receipt.
pub async fn a_notice_of_the_house_is_nobody_s(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.salon, "Bonjour").await;
    let events = talk.archive_for_age(fixture.now()).await;
    let EventKind::MessagePosted(notice) = &events[1].kind else { panic!("{events:?}") };
    assert_eq!(talk.delete_as(&talk.salon, notice).await, None);
    assert_eq!(talk.delete_as(&talk.client, notice).await, None);
    let marked = talk.try_read(&talk.client, ReadTarget::Everything).await.expect("takes part");
    assert!(!super::setup::receipt(marked).several);
    assert_eq!(talk.read(&talk.salon).await.event, None);
}

/// A message brings back what was put away, and it may be put away again.
pub async fn a_message_brings_back_what_was_put_away_for_its_age(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    for _ in 0..2 {
        assert_eq!(talk.archive_for_age(fixture.now()).await.len(), 2);
        talk.say(&talk.client, "Bonjour").await;
        assert_eq!(talk.state().await.status, Status::Active);
    }
    assert_eq!(fixture.unread_total(&talk.salon).await, 2);
}

/// What was said after the decision to put it away, or is held, stays in use.
pub async fn what_is_no_longer_due_stays_in_use(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let quiet_since = fixture.now();
    talk.say(&talk.client, "Bonjour").await;
    assert_eq!(talk.archive_for_age(quiet_since).await, []);
    assert!(store.hold_conversation(&talk.id, fixture.now()).await.expect(ANSWERS));
    assert_eq!(talk.archive_for_age(fixture.now()).await, []);
    assert!(store.release_conversation(&talk.id).await.expect(ANSWERS));
    assert!(!store.release_conversation(&talk.id).await.expect(ANSWERS));
    let held = SalonRetention { policy: None, is_held: true };
    store.put_salon_retention(&talk.salon, held, fixture.now()).await.expect(ANSWERS);
    assert_eq!(talk.archive_for_age(fixture.now()).await, []);
    store.drop_salon_retention(&talk.salon).await.expect(ANSWERS);
    assert_eq!(talk.archive_for_age(fixture.now()).await.len(), 2);
    let nowhere = ConversationId::parse("nowhere").expect("good");
    assert!(!store.hold_conversation(&nowhere, fixture.now()).await.expect(ANSWERS));
}

/// Old messages go piece by piece, the oldest first, with their files; nobody has to read them any
/// more, and nothing of either side is left. What the house said stays.
pub async fn old_messages_go_piece_by_piece(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let mut said = vec![];
    for words in ["1", "2", "3"] {
        said.push(talk.say(&talk.salon, words).await.id.clone());
    }
    // Of these two files one has a key.
    said.push(talk.send(&talk.client, pictures("4", 2, None)).await.message.id.clone());
    talk.archive_for_age(fixture.now()).await;
    let ids = std::slice::from_ref(&talk.id);
    let weight = store.measure(ids).await.expect(ANSWERS);
    assert_eq!(weight, Usage { messages: 4, files: 1 });

    let mut pieces = vec![];
    for (unread, left) in [(1, 2), (0, 0), (0, 0)] {
        let piece = talk.empty_aged(fixture.now(), 2).await;
        assert_eq!(fixture.unread_total(&talk.client).await, unread);
        assert_eq!(store.measure(ids).await.expect(ANSWERS).messages, left);
        pieces.push(piece);
    }
    assert_eq!(pieces.iter().map(|piece| piece.files).collect::<Vec<_>>(), [0, 1, 0]);
    let events: Vec<_> = pieces.into_iter().flat_map(|piece| piece.events).collect();
    let gone: Vec<_> = said.into_iter().map(EventKind::MessageDeleted).collect();
    assert!(events.iter().map(|event| &event.kind).eq(&gone), "{events:?}");
    assert_eq!(talk.log().await[7..], events[..]);
    assert_eq!(talk.words().await.len(), 1, "the notice is left");
    let view = talk.view(&talk.salon).await;
    assert_eq!((view.last_message, view.unread), (None, 0));
    assert_eq!(view.conversation.last_message_at, view.conversation.created_at);
    assert_eq!(fixture.walk(Status::Archived, fixture.now(), 9).await, []);
    let file = ("delete_hosted_file".to_owned(), "upload-1".to_owned());
    assert_eq!(fixture.tasks().await, [file]);
}

/// Messages of what is in use, younger than asked for, or held, stay.
pub async fn what_is_no_longer_due_keeps_its_messages(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.client, "Bonjour").await;
    let early = fixture.now();
    let is_emptied = async |by| !talk.empty_aged(by, 9).await.events.is_empty();
    assert!(!is_emptied(fixture.now()).await, "it is in use");
    talk.try_edit(&talk.salon, None, Some(StatusEdit::Set(Status::Archived))).await;
    assert!(!is_emptied(early).await, "it was put away since");
    store.hold_conversation(&talk.id, fixture.now()).await.expect(ANSWERS);
    assert!(!is_emptied(fixture.now()).await, "it is held");
    store.release_conversation(&talk.id).await.expect(ANSWERS);
    talk.say(&talk.client, "Vous êtes là ?").await;
    assert!(!is_emptied(fixture.now()).await, "it was brought back");
    talk.archive().await;
    assert!(is_emptied(fixture.now()).await);
}
