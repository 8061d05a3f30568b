//! Index usage with much pending mail.

use domain::{
    ids::{MailId, UserId},
    mail::{
        MailDecision, NewMail,
        store::{DueMail, MailStore, PreferenceStore},
    },
    testing::fixture::user,
    time::Timestamp,
};
use storage_pg::PgStore;

use crate::{
    support::Scratch,
    talk::{ANSWERS, fresh_id, now},
    waiting::until,
};

/// 20,000 clients of 200 salons, each with 5 conversations in which mail waits: half of it was put off,
/// and mails told of half of it before.
const MUCH: &str = "
    INSERT INTO messaging.participant (id, role, email, created_at, updated_at)
    SELECT 's' || n, 'user_salon', 's' || n || '@example.test', now(), now() FROM generate_series(1, 200) AS n;
    INSERT INTO messaging.participant (id, role, email, created_at, updated_at)
    SELECT 'c' || n, 'client', 'c' || n || '@example.test', now(), now() FROM generate_series(1, 20000) AS n;
    INSERT INTO messaging.conversation (id, salon_id, client_id, status, created_at, updated_at,
        last_message_at, last_seq, salon_message_seq, message_count, unread_by_client)
    SELECT 'k' || n, 's' || n % 200 + 1, 'c' || n % 20000 + 1, 'ACTIVE', now(), now(), now(), 2, 2, 1, 1
    FROM generate_series(1, 100000) AS n;
    INSERT INTO messaging.message (id, conversation_id, seq, author_side, kind, content, created_at)
    SELECT 'm' || n, 'k' || n, 2, 'salon', 'TEXT', 'Bonjour', now() FROM generate_series(1, 100000) AS n;
    INSERT INTO messaging.pending_mail (recipient_id, conversation_id, message_count, since, wait_until)
    SELECT client_id, id, 1, '2026-01-01'::timestamptz + substr(id, 2)::integer * interval '1 second',
        CASE substr(id, 2)::integer % 2 WHEN 0 THEN '2026-01-02'::timestamptz
            + substr(id, 2)::integer * interval '1 second' END
    FROM messaging.conversation;
    INSERT INTO messaging.mailed_conversation (person_id, conversation_id, up_to_seq, at)
    SELECT recipient_id, conversation_id, 1, since FROM messaging.pending_mail WHERE wait_until IS NULL;
    INSERT INTO messaging.mail (id, recipient_id, at, is_closed)
    SELECT 'old-' || n, 'c' || n % 20000 + 1, now() - interval '1 day', n % 10 > 0
    FROM generate_series(1, 50000) AS n;
    INSERT INTO messaging.suppressed_address (address, person_id, at)
    SELECT 'c' || n || '@example.test', 'c' || n, now() FROM generate_series(1, 10000) AS n;";

/// All queries about one person's mail, from due to closed.
async fn a_mail_s_life(store: &PgStore, person: &UserId) {
    let case =
        store.pending_notifications(person, now()).await.expect(ANSWERS).expect("something waits");
    assert_eq!(case.conversations.len(), 5);
    let send = case.conversations.iter().map(|one| (one.conversation.clone(), one.up_to)).collect();
    let decision = MailDecision { send, ..MailDecision::default() };
    let id = MailId::parse(&fresh_id()).expect("a good id");
    let mail = NewMail { id, recipient: person.clone(), at: now() };
    assert!(store.apply_mail_decision(&case, &decision, &mail).await.expect(ANSWERS));
    let open = store.queued_mail(&mail.id).await.expect(ANSWERS).expect("it did not leave");
    assert_eq!(open.chapters.len(), 5);
    let reply = store.reply_target(&open.chapters[0].reply).await.expect(ANSWERS);
    assert_eq!(reply.map(|target| target.person).as_ref(), Some(person));
    store.close_mail(&mail.id).await.expect(ANSWERS);
    let address = format!("{person}@example.test");
    assert_eq!(store.suppress_address(&address, now()).await.expect(ANSWERS), 1);
    let wishes = store.preferences(person, now()).await.expect(ANSWERS);
    assert!(wishes.is_some());
}

#[tokio::test]
async fn what_is_asked_about_mail_reads_no_whole_table() {
    const READ_WHOLE: &str = "SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_user_tables
        WHERE schemaname = 'messaging' AND relname NOT IN ('preference', 'muted_conversation', 'job',
            'mail_recipient', 'mail_conversation', 'erasure', '__diesel_schema_migrations')";
    let scratch = Scratch::new().await;
    scratch.sql(MUCH).await;
    scratch.sql("VACUUM ANALYZE").await;
    let before = scratch.number(READ_WHOLE).await;
    let store = scratch.another(|settings| settings.pool_connections_max = 1);
    let time = |text: &str| Timestamp::parse(text).expect("a good time");
    let due = DueMail {
        now: time("2026-01-03T12:00:00Z"),
        since: time("2026-01-03T00:00:00Z"),
        limit: 100,
    };
    // More often than five times, after which a generic plan may be used.
    for number in 0..8 {
        assert_eq!(store.due_for_mail(&due).await.expect(ANSWERS).len(), 100);
        a_mail_s_life(&store, &user(&format!("c{}", 1 + 1_000 * number))).await;
    }
    drop(store);

    let used = |index: &str| {
        format!("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '{index}'")
    };
    // A session reports its statistics when it ends at the latest.
    until(async || scratch.number(&used("mailed_conversation_token")).await > 0).await;
    assert_eq!(scratch.number(READ_WHOLE).await, before, "a whole table was read");
    let indexes = [
        "pending_mail_new",
        "pending_mail_deferred",
        "mail_of_recipient",
        "participant_of_address",
    ];
    for index in indexes {
        assert!(scratch.number(&used(index)).await > 0, "{index} is not used");
    }
}
