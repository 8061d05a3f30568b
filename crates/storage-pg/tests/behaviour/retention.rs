//! Retention under concurrent load.

use domain::{
    appointments::notice::Notice,
    conversation::{
        Status,
        event::Event,
        ledger::StatusEdit,
        store::{LogPiece, LogStore},
    },
    ids::MessageId,
    jobs::store::JobStore,
    participant::Language,
    retention::{
        DAILY_RUN_STARTS_MS, PurgeBounds, SalonRetention, next_daily_run,
        store::{RetentionStore, TrimBatch},
    },
    testing::commands::{
        ArchiveForAge, Commands, EditConversation, NewNotice, PurgeExpired, Purged,
    },
    time::Timestamp,
};
use storage_pg::PgStore;

use crate::{
    support::Scratch,
    talk::{ANSWERS, TestConversation, fresh_id, now},
    waiting::{at_once, until_waiting},
};

async fn archive(conversation: &TestConversation) -> Vec<Event> {
    let notice = Notice::ArchivedForAge { days: 90 };
    let content = notice.text(Language::French);
    let id = MessageId::parse(&fresh_id()).expect("a good id");
    let archive = ArchiveForAge {
        conversation: conversation.id.clone(),
        quiet_since: now(),
        notice: NewNotice { id, notice, content },
        at: now(),
    };
    conversation.store.archive_for_age(&archive).await.expect(ANSWERS)
}

async fn empty(conversation: &TestConversation, messages_max: u32) -> Purged {
    let by = now();
    let empty = PurgeExpired {
        conversation: conversation.id.clone(),
        bounds: PurgeBounds { last_message_by: by, changed_by: by },
        messages_max,
        at: now(),
    };
    conversation.store.purge_expired(&empty).await.expect(ANSWERS)
}

async fn put_away(conversation: &TestConversation) {
    let edit = EditConversation {
        conversation: conversation.id.clone(),
        by: conversation.salon.clone(),
        subject: None,
        status: Some(StatusEdit::Set(Status::Archived)),
        at: now(),
    };
    conversation.store.edit_conversation(&edit).await.expect(ANSWERS);
}

/// The counters of conversations equal those computed from their messages; platform messages are of
/// neither side.
async fn assert_counters_are_true(scratch: &Scratch) {
    let wrong = "
        SELECT count(*) FROM messaging.conversation AS c
        CROSS JOIN LATERAL (
            SELECT count(*) AS messages,
                coalesce(max(seq) FILTER (WHERE author_side = 'salon'), 0) AS salon_seq,
                coalesce(max(seq) FILTER (WHERE author_side = 'client'), 0) AS client_seq,
                count(*) FILTER (WHERE author_side = 'client' AND seq > c.salon_read_seq) AS by_salon,
                count(*) FILTER (WHERE author_side = 'salon' AND seq > c.client_read_seq) AS by_client,
                (array_agg(created_at ORDER BY seq DESC) FILTER (WHERE author_side <> 'platform'))[1] AS newest_at
            FROM messaging.message WHERE conversation_id = c.id AND deleted_at IS NULL
        ) AS m
        CROSS JOIN LATERAL (
            SELECT max(seq) AS newest, count(*) AS entries FROM messaging.event WHERE conversation_id = c.id
        ) AS e
        WHERE (c.message_count, c.salon_message_seq, c.client_message_seq, c.unread_by_salon,
                c.unread_by_client, c.last_seq, c.last_seq)
            <> (m.messages, m.salon_seq, m.client_seq, m.by_salon, m.by_client, e.newest, e.entries)
            OR c.last_message_at <> coalesce(m.newest_at, c.created_at)";
    assert_eq!(scratch.number(wrong).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn letting_go_of_what_is_still_talked_in_keeps_every_count_true() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let nodes = [conversation.clone(), conversation.on(scratch.another(|_| ()))];
    at_once(60, |number| {
        let conversation = nodes[number % 2].clone();
        async move {
            match number % 6 {
                0 => drop(archive(&conversation).await),
                1 => drop(empty(&conversation, 3).await),
                2 => drop(conversation.read(&conversation.salon).await),
                3 => drop(conversation.send_text(&conversation.salon, "Bonjour").await),
                _ => drop(conversation.send_text(&conversation.client, "Bonjour").await),
            }
        }
    })
    .await;
    assert_counters_are_true(&scratch).await;
    put_away(&conversation).await;
    while !empty(&conversation, 7).await.events.is_empty() {}
    assert_counters_are_true(&scratch).await;
    let left = "SELECT count(*) FROM messaging.message WHERE deleted_at IS NULL AND author_side <> 'platform'";
    assert_eq!(scratch.number(left).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_nodes_one_puts_a_conversation_away() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let nodes = [conversation.clone(), conversation.on(scratch.another(|_| ()))];
    let changed = at_once(8, |number| {
        let conversation = nodes[number % 2].clone();
        async move { archive(&conversation).await.len() }
    })
    .await;
    assert_eq!(changed.iter().sum::<usize>(), 2, "{changed:?}");
    let notices = "SELECT count(*) FROM messaging.message WHERE author_side = 'platform'";
    assert_eq!(scratch.number(notices).await, 1);
}

/// An acknowledged hold on a conversation is effective, even if work had started before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_that_was_answered_stops_work_that_waits() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    put_away(&conversation).await;
    let blocker = scratch.session().await;
    let lock = format!(
        "BEGIN; SELECT FROM messaging.conversation WHERE id = '{}' FOR UPDATE",
        conversation.id
    );
    blocker.batch_execute(&lock).await.expect("nobody else has it");
    let hold = {
        let conversation = conversation.clone();
        tokio::spawn(
            async move { conversation.store.hold_conversation(&conversation.id, now()).await },
        )
    };
    until_waiting(&scratch, 1).await;
    let work = {
        let conversation = conversation.on(scratch.another(|_| ()));
        tokio::spawn(async move { empty(&conversation, 10).await })
    };
    until_waiting(&scratch, 2).await;
    blocker.batch_execute("COMMIT").await.expect("it was begun");
    assert!(hold.await.expect("no panic").expect(ANSWERS));
    assert_eq!(work.await.expect("no panic"), Purged::default());
}

/// A hold on a salon is acknowledged when work in progress in its conversations has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_on_a_salon_waits_for_work_under_way() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    put_away(&conversation).await;
    let blocker = scratch.session().await;
    let lock = "BEGIN; SELECT FROM messaging.message FOR UPDATE";
    blocker.batch_execute(lock).await.expect("nobody is in the way");
    let work = {
        let conversation = conversation.on(scratch.another(|_| ()));
        tokio::spawn(async move { empty(&conversation, 10).await })
    };
    until_waiting(&scratch, 1).await;
    let hold = {
        let conversation = conversation.clone();
        let held = SalonRetention { policy: None, is_held: true };
        tokio::spawn(async move {
            conversation.store.put_salon_retention(&conversation.salon, held, now()).await
        })
    };
    until_waiting(&scratch, 2).await;
    assert!(!hold.is_finished(), "it waits for the work");
    blocker.batch_execute("COMMIT").await.expect("it was begun");
    assert_eq!(work.await.expect("no panic").events.len(), 1);
    hold.await.expect("no panic").expect(ANSWERS);
    assert_eq!(empty(&conversation, 10).await, Purged::default());
}

#[tokio::test]
async fn a_log_whose_clock_went_back_keeps_everything_from_the_first_young_entry_on() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    for words in ["2", "3", "4"] {
        conversation.send_text(&conversation.client, words).await;
    }
    let set = "UPDATE messaging.event SET at = CASE WHEN seq IN (1, 3) THEN '2020-01-01' ELSE '2026-01-01' END::timestamptz";
    scratch.sql(set).await;
    let before = Timestamp::parse("2025-01-01T00:00:00Z").expect("a time");
    let walk = TrimBatch { before, after: None, conversations_max: 10, entries_max: 10 };
    assert_eq!(conversation.store.count_old_entries(&walk).await.expect(ANSWERS).entries, 1);
    assert_eq!(conversation.store.trim_logs(&walk).await.expect(ANSWERS).entries, 1);
    let left = "SELECT string_agg(seq::text, ' ' ORDER BY seq) FROM messaging.event";
    assert_eq!(scratch.sql(left).await, [["2 3 4"]]);
    let after = domain::ids::Seq::ZERO.next();
    let piece = conversation
        .store
        .events_after(&conversation.id, &conversation.client, after, 9)
        .await
        .expect(ANSWERS);
    assert!(matches!(piece, Some(LogPiece::Events(events)) if events.len() == 3));
}

/// A day's schedules, as the database has them.
async fn nights(scratch: &Scratch) -> Vec<Vec<String>> {
    let sql = "SELECT name, every_ms, at_ms, (extract(epoch FROM next_run_at) * 1000)::bigint
        FROM messaging.schedule WHERE at_ms IS NOT NULL ORDER BY name";
    scratch.sql(sql).await
}

#[tokio::test]
async fn the_nights_in_the_table_are_those_of_the_rules() {
    let scratch = Scratch::new().await;
    let (store, late): (&PgStore, _) = (&scratch, Timestamp::parse("2100-06-01T17:00:00Z"));
    let late = late.expect("a time");
    for row in nights(&scratch).await {
        assert_eq!(row[1..3], ["86400000".to_owned(), DAILY_RUN_STARTS_MS.to_string()]);
        let begins: i64 = row[3].parse().expect("a number");
        assert_eq!(begins % 86_400_000, i64::from(DAILY_RUN_STARTS_MS), "{row:?}");
    }
    assert_eq!(store.start_due_schedules(late).await.expect(ANSWERS), 5);
    let next = next_daily_run(late).as_millis().to_string();
    let expected = ["archive_aged", "audit_conversations", "empty_aged", "trim_log"];
    for (row, name) in nights(&scratch).await.iter().zip(expected) {
        assert_eq!((row[0].as_str(), &row[3]), (name, &next));
    }
}
