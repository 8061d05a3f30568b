//! Retention.

use super::setup::{ANSWERS, Aged, Fixture, old};
use crate::{
    conversation::{
        Status,
        event::EventKind,
        ledger::{ReadTarget, StatusEdit},
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

/// The stored policy is kept until the next one.
pub async fn a_policy_is_kept_until_the_next(store: &dyn Store) {
    let fixture = Fixture::new(store);
    assert_eq!(store.retention_policy().await.expect(ANSWERS), None);
    for policy in [policy(90, Some(30)), policy(1, None)] {
        store.put_retention_policy(policy, fixture.now()).await.expect(ANSWERS);
        assert_eq!(store.retention_policy().await.expect(ANSWERS), Some(policy));
    }
}

/// A salon may have its own policy, a hold, both or neither, independent of other salons.
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

/// Paging visits every conversation once, and returns those that are old enough, in their current
/// state.
pub async fn the_walk_meets_every_old_conversation_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut expected = vec![];
    for number in 0..7 {
        let conversation = fixture.conversation(&format!("s{number}"), "c1").await;
        conversation.send_text(&conversation.client, "Bonjour").await;
        expected.push(conversation.id.clone());
    }
    let late = fixture.conversation("s8", "c1").await;
    let quiet_since = fixture.now();
    late.send_text(&late.client, "Bonjour").await;
    let found = fixture.all_ages(Status::Active, quiet_since, 3).await;
    assert!(found.iter().map(|age| &age.id).eq(&expected), "{found:?}");
    assert_eq!(fixture.all_ages(Status::Archived, quiet_since, 3).await, []);
    assert_eq!(fixture.all_ages(Status::Active, old(), 3).await, []);
}

/// A conversation's age has all data that the rule needs.
pub async fn an_age_says_what_the_rule_asks_for(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let mut english: Participant = client("c1");
    english.profile.language = Some(Language::English);
    fixture.add_participant(&english).await;
    let own = SalonRetention { policy: Some(policy(30, None)), is_held: false };
    store.put_salon_retention(&conversation.salon, own, fixture.now()).await.expect(ANSWERS);
    let found = async || fixture.all_ages(Status::Active, fixture.now(), 9).await.remove(0);
    let silent = found().await;
    assert_eq!(
        (&silent.id, &silent.salon, silent.policy),
        (&conversation.id, &conversation.salon, own.policy)
    );
    assert_eq!((silent.language, silent.has_messages), (Some(Language::English), false));
    let message = conversation.send_text(&conversation.client, "Bonjour").await;
    conversation.set_subject("RDV").await;
    let (now, spoken) = (conversation.state().await, found().await);
    assert_eq!((spoken.last_message_at, spoken.updated_at), (message.created_at, now.updated_at));
    assert!(spoken.has_messages && !spoken.is_held);
    store.hold_conversation(&conversation.id, fixture.now()).await.expect(ANSWERS);
    assert!(found().await.is_held);
}

/// A log is trimmed up to the first entry that is not old, in bounded batches, and reports that to
/// readers of the trimmed part. Readers of the rest lose nothing.
pub async fn a_log_loses_its_old_beginning(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    for words in ["2", "3", "4"] {
        conversation.send_text(&conversation.client, words).await;
    }
    let before = fixture.now();
    conversation.send_text(&conversation.client, "5").await;
    let whole = conversation.log().await;
    let counted = fixture.count_old_entries(before, None, 9).await;
    assert_eq!((counted.entries, counted.next.as_ref()), (4, Some(&conversation.id)));
    for entries in [3, 1, 0] {
        assert_eq!(fixture.trim(before, 3).await.entries, entries);
    }
    assert_eq!(fixture.count_old_entries(before, None, 9).await.entries, 0);
    assert!(conversation.is_trimmed(3).await);
    assert!(!conversation.is_trimmed(4).await);
    assert_eq!(
        conversation
            .log_as(&conversation.client, super::setup::at(4), 9)
            .await
            .expect("reaches back"),
        whole[4..]
    );
    assert_eq!(conversation.texts().await.len(), 4, "messages stay");
    assert_eq!(fixture.trim(fixture.now(), 9).await.entries, 1);
    assert!(!conversation.is_trimmed(5).await, "who knows all misses nothing");
    conversation.send_text(&conversation.client, "6").await;
    assert!(conversation.is_trimmed(4).await);
    assert!(!conversation.is_trimmed(5).await);
}

/// Trimming visits every conversation, deleted ones too.
pub async fn the_logs_of_what_is_gone_are_forgotten_too(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for number in 0..3 {
        fixture.conversation(&format!("s{number}"), "c1").await;
    }
    fixture.conversation("s4", "c1").await.delete_conversation().await;
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
    // Later than the creation of any store in these tests.
    let daily_run = crate::retention::next_daily_run(super::setup::far_future());
    let works = async || {
        let tasks = fixture.tasks().await.into_iter();
        tasks.filter(|(kind, _)| kind != "purge_uploads").collect::<Vec<_>>()
    };
    assert_eq!(works().await, []);
    let due =
        [store.start_due_schedules(daily_run).await, store.start_due_schedules(daily_run).await];
    assert_eq!(due.map(|due| due.expect(ANSWERS)), [5, 0]);
    let night_s = ["archive_aged", "audit_conversations", "empty_aged", "trim_log"]
        .map(|kind| (kind.to_owned(), String::new()));
    assert_eq!(works().await, night_s);
    let after = ConversationId::parse("t1").ok();
    store.enqueue_continuation(&Task::ArchiveAged(after.clone()), daily_run).await.expect(ANSWERS);
    let jobs = store.jobs(JobFilter::All, 9).await.expect(ANSWERS);
    assert!(jobs.iter().any(|job| job.task == Task::ArchiveAged(after.clone())), "{jobs:?}");
}

// Archiving old conversations and deleting their messages.

/// An old conversation is archived with a notice and keeps its place: unread counts and list orders
/// do not change.
pub async fn what_is_put_away_for_its_age_wakes_nobody(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.salon, "Bonjour").await;
    let newest = conversation.send_text(&conversation.client, "Samedi ?").await;
    let before = (
        fixture.unread_total(&conversation.salon).await,
        fixture.unread_total(&conversation.client).await,
    );
    let events = conversation.archive_for_age(fixture.now()).await;
    let [updated, posted] = &events[..] else { panic!("two things happen: {events:?}") };
    let archived = EventKind::ConversationUpdated { subject: None, status: Status::Archived };
    assert_eq!((&updated.kind, &updated.actor), (&archived, &conversation.salon));
    let EventKind::MessagePosted(notice) = &posted.kind else { panic!("{posted:?}") };
    let data = notice.notice.as_ref().expect("it is one");
    assert_eq!((data.kind(), data.fields()), ("archived-for-age", vec![("days", "90".to_owned())]));
    assert_eq!(
        (&notice.author.id, notice.is_read, notice.read_at),
        (&conversation.salon, true, None)
    );
    assert_eq!(conversation.log().await[3..], events[..]);
    assert_eq!(conversation.history(&Window::first(9)).await.page.total, 3);
    for reader in [&conversation.salon, &conversation.client] {
        let view = conversation.view(reader).await;
        assert_eq!(
            (view.unread, view.last_message.expect("one is left").id),
            (1, newest.id.clone())
        );
        assert_eq!(view.conversation.last_message_at, newest.created_at);
        assert_eq!(view.conversation.status, Status::Archived);
    }
    let after = (
        fixture.unread_total(&conversation.salon).await,
        fixture.unread_total(&conversation.client).await,
    );
    assert_eq!((before, after), ((1, 1), (1, 1)));
    assert_eq!(conversation.archive_for_age(fixture.now()).await, [], "it is put away already");
}

/// A platform notice cannot be deleted and is counted in no receipt.
pub async fn a_notice_of_the_house_is_nobody_s(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.salon, "Bonjour").await;
    let events = conversation.archive_for_age(fixture.now()).await;
    let EventKind::MessagePosted(notice) = &events[1].kind else { panic!("{events:?}") };
    assert_eq!(conversation.delete_as(&conversation.salon, notice).await, None);
    assert_eq!(conversation.delete_as(&conversation.client, notice).await, None);
    let marked = conversation
        .try_mark_read(&conversation.client, ReadTarget::Everything)
        .await
        .expect("takes part");
    assert!(!super::setup::receipt(marked).several);
    assert_eq!(conversation.mark_read(&conversation.salon).await.event, None);
}

/// A message unarchives the conversation, and it may be archived again.
pub async fn a_message_brings_back_what_was_put_away_for_its_age(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    for _ in 0..2 {
        assert_eq!(conversation.archive_for_age(fixture.now()).await.len(), 2);
        conversation.send_text(&conversation.client, "Bonjour").await;
        assert_eq!(conversation.state().await.status, Status::Active);
    }
    assert_eq!(fixture.unread_total(&conversation.salon).await, 2);
}

/// A conversation with a newer message or a hold stays active.
pub async fn what_is_no_longer_due_stays_in_use(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let quiet_since = fixture.now();
    conversation.send_text(&conversation.client, "Bonjour").await;
    assert_eq!(conversation.archive_for_age(quiet_since).await, []);
    assert!(store.hold_conversation(&conversation.id, fixture.now()).await.expect(ANSWERS));
    assert_eq!(conversation.archive_for_age(fixture.now()).await, []);
    assert!(store.release_conversation(&conversation.id).await.expect(ANSWERS));
    assert!(!store.release_conversation(&conversation.id).await.expect(ANSWERS));
    let held = SalonRetention { policy: None, is_held: true };
    store.put_salon_retention(&conversation.salon, held, fixture.now()).await.expect(ANSWERS);
    assert_eq!(conversation.archive_for_age(fixture.now()).await, []);
    store.drop_salon_retention(&conversation.salon).await.expect(ANSWERS);
    assert_eq!(conversation.archive_for_age(fixture.now()).await.len(), 2);
    let nowhere = ConversationId::parse("nowhere").expect("good");
    assert!(!store.hold_conversation(&nowhere, fixture.now()).await.expect(ANSWERS));
}

/// Old messages are deleted in batches, oldest first, with their files; they are no longer unread,
/// and none of either side is left. Platform notices stay.
pub async fn old_messages_go_piece_by_piece(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let mut said = vec![];
    for words in ["1", "2", "3"] {
        said.push(conversation.send_text(&conversation.salon, words).await.id.clone());
    }
    // One of these two files has an upload key.
    said.push(
        conversation.send(&conversation.client, pictures("4", 2, None)).await.message.id.clone(),
    );
    conversation.archive_for_age(fixture.now()).await;
    let ids = std::slice::from_ref(&conversation.id);
    let weight = store.measure(ids).await.expect(ANSWERS);
    assert_eq!(weight, Usage { messages: 4, files: 1 });

    let mut pieces = vec![];
    for (unread, left) in [(1, 2), (0, 0), (0, 0)] {
        let piece = conversation.purge_expired(fixture.now(), 2).await;
        assert_eq!(fixture.unread_total(&conversation.client).await, unread);
        assert_eq!(store.measure(ids).await.expect(ANSWERS).messages, left);
        pieces.push(piece);
    }
    assert_eq!(pieces.iter().map(|piece| piece.files).collect::<Vec<_>>(), [0, 1, 0]);
    let events: Vec<_> = pieces.into_iter().flat_map(|piece| piece.events).collect();
    let gone: Vec<_> = said.into_iter().map(EventKind::MessageDeleted).collect();
    assert!(events.iter().map(|event| &event.kind).eq(&gone), "{events:?}");
    assert_eq!(conversation.log().await[7..], events[..]);
    assert_eq!(conversation.texts().await.len(), 1, "the notice is left");
    let view = conversation.view(&conversation.salon).await;
    assert_eq!((view.last_message, view.unread), (None, 0));
    assert_eq!(view.conversation.last_message_at, view.conversation.created_at);
    assert_eq!(fixture.all_ages(Status::Archived, fixture.now(), 9).await, []);
    let file = ("delete_hosted_file".to_owned(), "upload-1".to_owned());
    assert_eq!(fixture.tasks().await, [file]);
}

/// Messages of conversations that are active, younger than requested, or held, stay.
pub async fn what_is_no_longer_due_keeps_its_messages(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let early = fixture.now();
    let is_emptied = async |by| !conversation.purge_expired(by, 9).await.events.is_empty();
    assert!(!is_emptied(fixture.now()).await, "it is in use");
    conversation.try_edit(&conversation.salon, None, Some(StatusEdit::Set(Status::Archived))).await;
    assert!(!is_emptied(early).await, "it was put away since");
    store.hold_conversation(&conversation.id, fixture.now()).await.expect(ANSWERS);
    assert!(!is_emptied(fixture.now()).await, "it is held");
    store.release_conversation(&conversation.id).await.expect(ANSWERS);
    conversation.send_text(&conversation.client, "Vous êtes là ?").await;
    assert!(!is_emptied(fixture.now()).await, "it was brought back");
    conversation.archive().await;
    assert!(is_emptied(fixture.now()).await);
}
