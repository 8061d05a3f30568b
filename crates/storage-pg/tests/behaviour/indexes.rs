//! Index usage on a large database.

use std::collections::HashMap;

use domain::{
    conversation::{
        Status,
        ledger::ReadTarget,
        store::{ConversationStore, LogStore, MessageStore, ReadingStore},
    },
    ids::{ConversationId, MessageId, Seq, UserId},
    page::{ConversationCursor, PageSize, Start, Window},
    participant::store::ParticipantStore,
    testing::{
        commands::{Commands, MarkRead, PostMessage, PostOutcome},
        fixture::{keyed, text, user},
    },
    time::Timestamp,
};

use crate::{
    support::Scratch,
    talk::{ANSWERS, TestConversation, fresh_id},
    waiting::until,
};

/// 200 salons with 100 conversations each, of three messages; one of ten has unread messages.
const MUCH: &str = "
    INSERT INTO messaging.participant (id, role, created_at, updated_at)
    SELECT side || n, 'client', now(), now() FROM generate_series(1, 200) AS n, unnest(ARRAY['s', 'c']) AS side;
    INSERT INTO messaging.conversation (id, salon_id, client_id, status, created_at, updated_at, last_message_at,
        last_seq, salon_message_seq, client_message_seq, salon_read_seq, client_read_seq, message_count,
        unread_by_salon)
    SELECT 'v' || n, 's' || n % 200 + 1, 'c' || n / 200 + 1, CASE n % 3 WHEN 0 THEN 'ARCHIVED' ELSE 'ACTIVE' END,
        now(), now(), now() - n * interval '1 minute', 4, 3, 4, CASE n % 10 WHEN 0 THEN 0 ELSE 4 END, 4, 3,
        CASE n % 10 WHEN 0 THEN 2 ELSE 0 END
    FROM generate_series(0, 19999) AS n;
    INSERT INTO messaging.message (id, conversation_id, seq, author_side, kind, content, created_at)
    SELECT 'm' || n || '-' || seq, 'v' || n, seq, CASE seq WHEN 3 THEN 'salon' ELSE 'client' END, 'TEXT', 'Bonjour', now()
    FROM generate_series(0, 19999) AS n, generate_series(2, 4) AS seq;
    INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, message_id, salon_id, client_id)
    SELECT 'v' || n, seq, CASE seq WHEN 1 THEN 'conversation_opened' ELSE 'message_posted' END, 'c1', now(),
        CASE WHEN seq > 1 THEN 'm' || n || '-' || seq END,
        CASE seq WHEN 1 THEN 's' || n % 200 + 1 END, CASE seq WHEN 1 THEN 'c' || n / 200 + 1 END
    FROM generate_series(0, 19999) AS n, generate_series(1, 4) AS seq;";

/// All queries of a client.
async fn a_day(store: &storage_pg::PgStore, viewer: &UserId) {
    let id = ConversationId::parse("v7").expect("a good id");
    let conversation =
        TestConversation { store: store.clone(), id, salon: user("s8"), client: user("c1") };
    // More often than five times, after which a generic plan may be used.
    for _ in 0..8 {
        for status in [None, Some(Status::Active), Some(Status::Archived)] {
            let page =
                store.conversations(viewer, status, &Window::first(20)).await.expect(ANSWERS);
            assert_eq!(page.items.len(), 20);
        }
        let cursor = ConversationCursor { last_message_at: far(), id: conversation.id.clone() };
        let window = Window { start: Start::After(cursor), size: PageSize::clamped(20) };
        store.conversations(viewer, None, &window).await.expect(ANSWERS);
        assert!(store.unread_total(viewer).await.expect(ANSWERS) > 0);
        assert!(!store.unread_conversations(viewer, 10).await.expect(ANSWERS).is_empty());
        let known =
            store.participant_with_partners(viewer, 2_000).await.expect(ANSWERS).expect("is noted");
        assert_eq!(known.partners.len(), 100);
        let view = store.conversation(&conversation.id, &conversation.salon).await.expect(ANSWERS);
        assert!(view.is_some());
        let history =
            store.history(&conversation.id, &conversation.salon, &Window::first(50)).await;
        assert!(history.expect(ANSWERS).expect("takes part").page.total >= 3);
        let log = store.events_after(&conversation.id, &conversation.salon, Seq::ZERO, 100).await;
        let log = log.expect(ANSWERS).expect("takes part").events().expect("nothing is forgotten");
        assert!(log.len() >= 4);
        assert_eq!(store.changes_since(viewer, far(), 200).await.expect(ANSWERS), []);
        let message = MessageId::parse("m7-2").expect("a good id");
        assert!(store.message(&message, &conversation.salon).await.expect(ANSWERS).is_some());
        let draft = keyed("Bonjour", &fresh_id());
        let mut post = conversation.post(&conversation.client, draft);
        post.read_on_arrival = true;
        store.post_message(&post).await.expect(ANSWERS);
        conversation.send_text(&conversation.salon, "Oui ?").await;
        conversation.read(&conversation.client).await;
        let said = conversation.send_text(&conversation.client, "Rien").await.message;
        conversation.read(&conversation.salon).await;
        let deleted = store.delete_message(&said.id, &conversation.client, far()).await;
        assert!(deleted.expect(ANSWERS).is_some());
    }
}

fn far() -> Timestamp {
    Timestamp::from_millis(4_000_000_000_000).expect("within the calendar")
}

/// The statistics by name.
async fn counted(scratch: &Scratch, sql: &str) -> HashMap<String, i64> {
    let rows = scratch.sql(sql).await;
    rows.into_iter().map(|row| (row[0].clone(), row[1].parse().expect("a number"))).collect()
}

const TABLES: &str =
    "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = 'messaging'
    AND relname IN ('conversation', 'message', 'event')";
const INDEXES: &str =
    "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes WHERE schemaname = 'messaging'";

/// Waits until the sessions of a store that was dropped have ended; they have reported their statistics
/// then.
async fn until_reported(scratch: &Scratch) {
    const SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'messaging'";
    until(async || scratch.number(SESSIONS).await == 0).await;
}
/// How many entries of indexes were read.
const ROWS_BY_INDEX: &str =
    "SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes
    WHERE schemaname = 'messaging'";

#[tokio::test]
async fn posts_and_marks_that_were_planned_for_empty_tables_read_none_whole_later() {
    let scratch = Scratch::new().await;
    let store = scratch.another(|settings| settings.lanes = 1);
    let id = ConversationId::parse("v7").expect("a good id");
    let conversation =
        TestConversation { store: store.clone(), id, salon: user("s8"), client: user("c1") };
    let mark = |seq| MarkRead {
        conversation: conversation.id.clone(),
        reader: conversation.salon.clone(),
        target: ReadTarget::UpTo(Seq::new(seq).expect("a position")),
        at: far(),
    };
    let post = |author, watched| {
        let draft = keyed("Bonjour", &fresh_id());
        PostMessage { read_on_arrival: watched, ..conversation.post(author, draft) }
    };
    let refused = store.post_message(&post(&conversation.client, true)).await.expect(ANSWERS);
    assert!(matches!(refused, PostOutcome::UnknownConversation), "{refused:?}");
    assert_eq!(store.mark_read(&mark(2)).await.expect(ANSWERS), None);

    scratch.sql(MUCH).await;
    let before = (counted(&scratch, TABLES).await, scratch.number(ROWS_BY_INDEX).await);
    for watched in [false, true] {
        for author in [&conversation.client, &conversation.salon, &conversation.client] {
            let posted = store.post_message(&post(author, watched)).await.expect(ANSWERS);
            assert!(matches!(posted, PostOutcome::Posted(_)), "{posted:?}");
        }
        assert!(store.mark_read(&mark(5)).await.expect(ANSWERS).is_some());
        conversation.read(&conversation.salon).await;
    }
    drop((conversation, store));
    until_reported(&scratch).await;
    assert_eq!(counted(&scratch, TABLES).await, before.0, "a whole table was read");
    // Reading all messages once would be 60,000.
    let rows = scratch.number(ROWS_BY_INDEX).await - before.1;
    assert!(rows < 2_000, "{rows} entries of indexes were read");
}

#[tokio::test]
async fn nothing_reads_a_whole_table() {
    let scratch = Scratch::new().await;
    scratch.sql(MUCH).await;
    scratch.sql("VACUUM ANALYZE").await;
    let before = counted(&scratch, TABLES).await;
    let store = scratch.another(|settings| settings.pool_connections_max = 1);
    a_day(&store, &user("s11")).await;
    drop(store);

    until_reported(&scratch).await;
    let used = counted(&scratch, INDEXES).await;
    assert_eq!(counted(&scratch, TABLES).await, before, "a whole table was read");
    for index in [
        "conversation_of_salon",
        "conversation_of_client",
        "conversation_unread_by_salon",
        "conversation_unread_by_client",
        "conversation_pkey",
        "message_position",
        "message_of_side",
        "message_pkey",
        "event_pkey",
        "event_of_salon",
        "event_of_client",
    ] {
        assert!(used[index] > 0, "{index} is not used");
    }
}

#[tokio::test]
async fn whoever_comes_back_reads_the_changes_of_their_own_conversations_alone() {
    let scratch = Scratch::new().await;
    // All 20,000 conversations were opened just now.
    scratch.sql(MUCH).await;
    scratch.sql("VACUUM ANALYZE").await;
    let before = (counted(&scratch, TABLES).await, scratch.number(ROWS_BY_INDEX).await);
    let store = scratch.another(|settings| settings.pool_connections_max = 1);
    let hour_ago = "SELECT (extract(epoch FROM now() - interval '1 hour') * 1000)::bigint";
    let since = Timestamp::from_millis(scratch.number(hour_ago).await).expect("in the calendar");
    // More often than five times, after which a generic plan may be used.
    for _ in 0..8 {
        for (viewer, own) in [("s11", 100), ("c7", 200), ("nobody", 0)] {
            let changes = store.changes_since(&user(viewer), since, 1_000).await.expect(ANSWERS);
            assert_eq!(changes.len(), own, "{viewer}");
        }
    }
    drop(store);
    until_reported(&scratch).await;
    assert_eq!(counted(&scratch, TABLES).await, before.0, "a whole table was read");
    // 300 entries and their conversations, eight times.
    let rows = scratch.number(ROWS_BY_INDEX).await - before.1;
    assert!(rows < 10_000, "{rows} entries of indexes were read");
}

/// Reads a list to its end by cursors, so many at a time.
async fn read_list(store: &storage_pg::PgStore, viewer: &UserId, at_a_time: i64) -> Vec<String> {
    let (mut ids, mut window) = (vec![], Window::first(at_a_time));
    loop {
        let page = store.conversations(viewer, None, &window).await.expect(ANSWERS);
        ids.extend(page.items.iter().map(|view| view.conversation.id.to_string()));
        match page.next {
            Some(next) => window.start = Start::After(next),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn lists_are_in_the_order_of_time_within_a_minute_and_over_several() {
    let scratch = Scratch::new().await;
    scratch
        .sql(
            "INSERT INTO messaging.participant (id, role, created_at, updated_at)
            SELECT id, 'client', now(), now() FROM unnest(ARRAY['s1', 's2', 'c1']) AS id;
            INSERT INTO messaging.conversation (id, salon_id, client_id, status, created_at, updated_at,
                last_message_at, last_seq)
            SELECT 'v' || n, CASE n % 3 WHEN 0 THEN 's2' ELSE 's1' END, 'c1',
                CASE n % 2 WHEN 0 THEN 'ARCHIVED' ELSE 'ACTIVE' END, now(), now(),
                '2026-11-30 12:00:00+00'::timestamptz + (n * 7919 % 50) * interval '4 s'
                    - (n % 4) * interval '1 ms', 1
            FROM generate_series(1, 120) AS n",
        )
        .await;
    for viewer in ["s1", "c1"] {
        let ordered = format!(
            "SELECT id FROM messaging.conversation WHERE '{viewer}' IN (salon_id, client_id)
            ORDER BY last_message_at DESC, id DESC"
        );
        let ordered: Vec<_> = scratch.sql(&ordered).await.into_iter().flatten().collect();
        assert!(ordered.len() >= 80);
        for at_a_time in [1, 2, 7, 50, 100] {
            assert_eq!(read_list(&scratch, &user(viewer), at_a_time).await, ordered, "{at_a_time}");
        }
    }
}

#[tokio::test]
async fn most_messages_touch_no_index_of_their_conversation() {
    const UPDATES: &str = "SELECT n_tup_upd FROM pg_stat_user_tables
        WHERE schemaname = 'messaging' AND relname = 'conversation'";
    const NOON_MS: i64 = 1_796_040_000_000;
    const TOUCHED: &str = "SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables
        WHERE schemaname = 'messaging' AND relname = 'conversation'";
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    for number in 0..20 {
        let mut post = conversation.post(&conversation.client, text("Bonjour"));
        post.at = Timestamp::from_millis(NOON_MS + number * 100).expect("within the calendar");
        let posted = scratch.post_message(&post).await.expect(ANSWERS);
        assert!(matches!(posted, PostOutcome::Posted(_)), "{posted:?}");
    }
    until(async || scratch.number(UPDATES).await >= 20).await;
    // The first one, in another minute than the opening.
    assert_eq!(scratch.number(TOUCHED).await, 1);
}
