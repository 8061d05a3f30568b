//! Concurrent mail decisions and messages.

use domain::{
    ids::{MailId, UserId},
    mail::{
        MailDecision, NewMail, PendingNotifications,
        store::{MailStore, PreferenceStore},
    },
    privacy::store::ErasureStore,
    testing::{commands::Commands, fixture::text},
};
use storage_pg::PgStore;

use crate::{
    support::Scratch,
    talk::{ANSWERS, TestConversation, fresh_id, now},
    waiting::{at_once, until, until_waiting},
};

async fn case(store: &PgStore, of: &UserId) -> Option<PendingNotifications> {
    store.pending_notifications(of, now()).await.expect(ANSWERS)
}

/// Queues one mail about all of `case`, unless another decision was first.
async fn queue_mail(store: &PgStore, case: &PendingNotifications) -> Option<MailId> {
    let send = case.conversations.iter().map(|one| (one.conversation.clone(), one.up_to)).collect();
    let decision = MailDecision { send, ..MailDecision::default() };
    let id = MailId::parse(&fresh_id()).expect("a good id");
    let mail = NewMail { id: id.clone(), recipient: case.recipient.id.clone(), at: now() };
    let is_settled = store.apply_mail_decision(case, &decision, &mail).await.expect(ANSWERS);
    is_settled.then_some(id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_said_while_several_decide_is_told_once() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let nodes = [conversation.clone(), conversation.on(scratch.another(|_| ()))];
    at_once(60, |number| {
        let conversation = nodes[number % 2].clone();
        async move {
            if number % 3 < 2 {
                conversation.send_text(&conversation.salon, "Bonjour").await;
            } else if let Some(case) = case(&conversation.store, &conversation.client).await {
                queue_mail(&conversation.store, &case).await;
            }
        }
    })
    .await;

    if let Some(rest) = case(&scratch, &conversation.client).await {
        assert!(queue_mail(&scratch, &rest).await.is_some(), "nobody else is there");
    }
    assert_eq!(case(&scratch, &conversation.client).await, None);
    let mailed = "SELECT count(*) FROM messaging.message AS m
        JOIN messaging.mail_conversation AS part ON m.seq > part.after_seq AND m.seq <= part.up_to_seq";
    assert_eq!(scratch.number(mailed).await, 40, "each of the 40 in one mail, and in no other");
    let jobs = "SELECT count(*) FROM messaging.job WHERE kind = 'send_mail'";
    let mails = scratch.number("SELECT count(*) FROM messaging.mail").await;
    assert_eq!(scratch.number(jobs).await, mails);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_deciders_on_several_nodes_one_settles() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    for round in 1..=3 {
        conversation.send_text(&conversation.salon, "Bonjour").await;
        let seen = case(&scratch, &conversation.client).await.expect("something waits");
        let mails = at_once(12, |number| {
            let (store, seen) = (nodes[number % 2].clone(), seen.clone());
            async move { queue_mail(&store, &seen).await }
        })
        .await;
        assert_eq!(mails.iter().flatten().count(), 1, "round {round}");
    }
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.mail").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_verdict_waits_for_a_message_that_is_on_its_way() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.salon, "1").await;
    let seen = case(&scratch, &conversation.client).await.expect("something waits");
    let late = scratch.session().await;
    // What a commit of a second message writes.
    let post = format!(
        "BEGIN;
        SELECT FROM messaging.conversation WHERE id = '{conversation}' FOR NO KEY UPDATE;
        INSERT INTO messaging.message
            (id, conversation_id, seq, author_side, kind, content, created_at)
        VALUES ('{message}', '{conversation}', 3, 'salon', 'TEXT', '2', '2026-01-05T10:00:00Z');
        INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, message_id)
        VALUES ('{conversation}', 3, 'message_posted', '{salon}', '2026-01-05T10:00:00Z', '{message}');
        UPDATE messaging.conversation SET last_seq = 3, salon_message_seq = 3,
            message_count = message_count + 1, unread_by_client = unread_by_client + 1
        WHERE id = '{conversation}';
        UPDATE messaging.pending_mail SET message_count = message_count + 1
        WHERE conversation_id = '{conversation}'",
        conversation = conversation.id,
        message = fresh_id(),
        salon = conversation.salon,
    );
    late.batch_execute(&post).await.expect("nobody is in the way");

    let deciding = tokio::spawn({
        let store = conversation.store.clone();
        async move { queue_mail(&store, &seen).await }
    });
    until_waiting(&scratch, 1).await;
    late.batch_execute("COMMIT").await.expect("it is not too late");
    assert!(deciding.await.expect("no panic").is_some());
    let left = case(&scratch, &conversation.client).await.expect("the second waits");
    assert_eq!((left.conversations[0].noted, left.conversations[0].unmailed), (1, 1));
}

#[tokio::test]
async fn what_is_said_where_something_waits_touches_no_index() {
    let scratch = Scratch::new().await;
    let store = scratch.another(|settings| settings.pool_connections_max = 1);
    let conversation = TestConversation::open(&scratch).await.on(store);
    let before = conversation.store.round_trips();
    for _ in 0..20 {
        let post = conversation.post(&conversation.salon, text("Bonjour"));
        conversation.store.post_message(&post).await.expect(ANSWERS);
    }
    assert_eq!(conversation.store.round_trips() - before, 40, "noting it is no round trip more");
    drop(conversation);
    let updates = "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'pending_mail'";
    // A session reports its statistics when it ends at the latest.
    until(async || scratch.number(updates).await == 19).await;
    let rows = scratch.sql("SELECT message_count FROM messaging.pending_mail").await;
    assert_eq!(rows, [["20"]]);
}

#[tokio::test]
async fn nothing_about_mail_is_left_of_a_forgotten_person() {
    const TABLES: [(&str, &str); 7] = [
        ("preference", "person_id"),
        ("muted_conversation", "person_id"),
        ("pending_mail", "recipient_id"),
        ("mail_recipient", "person_id"),
        ("mailed_conversation", "person_id"),
        ("mail", "recipient_id"),
        ("suppressed_address", "person_id"),
    ];
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    scratch.sql("UPDATE messaging.participant SET email = id || '@example.test'").await;
    for (writer, reader) in
        [(&conversation.salon, &conversation.client), (&conversation.client, &conversation.salon)]
    {
        conversation.store.mute(reader, &conversation.id, now()).await.expect(ANSWERS);
        conversation.send_text(writer, "1").await;
        let seen = case(&scratch, reader).await.expect("something waits");
        assert!(queue_mail(&scratch, &seen).await.is_some());
        conversation.send_text(writer, "2").await;
        let address = format!("{reader}@Example.test");
        assert_eq!(conversation.store.suppress_address(&address, now()).await.expect(ANSWERS), 1);
    }
    let rows = async |person: &UserId| {
        let mut rows = Vec::new();
        for (table, column) in TABLES {
            let of = format!("SELECT count(*) FROM messaging.{table} WHERE {column} = '{person}'");
            rows.push(scratch.number(&of).await);
        }
        rows
    };
    assert_eq!(rows(&conversation.client).await, [1; 7]);
    scratch.request_erasure(&conversation.client, now()).await.expect(ANSWERS);
    assert_eq!(
        (rows(&conversation.client).await, rows(&conversation.salon).await),
        (vec![0; 7], vec![1; 7])
    );
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.mail_conversation").await, 1);
}
