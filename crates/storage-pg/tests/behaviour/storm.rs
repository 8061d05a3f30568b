//! Concurrent changes of pending mail: messages, reads, decisions, erasures.

use domain::{
    ids::{MailId, UserId},
    mail::{MailDecision, NewMail, store::MailStore},
    participant::store::ParticipantStore,
    privacy::store::ErasureStore,
    testing::{
        commands::{Commands, EraseIn},
        fixture::client,
    },
};
use storage_pg::PgStore;

use crate::{
    concurrency::assert_counters_are_true,
    support::Scratch,
    talk::{ANSWERS, TestConversation, fresh_id, now, plan},
    waiting::{at_once, until_waiting},
};

/// Messages that are neither mailed, read nor pending.
const LOST: &str = "
    SELECT count(*) FROM messaging.message AS m
    JOIN messaging.conversation AS c ON c.id = m.conversation_id
    CROSS JOIN LATERAL (SELECT CASE m.author_side WHEN 'salon' THEN c.client_id ELSE c.salon_id END AS id,
        CASE m.author_side WHEN 'salon' THEN c.client_read_seq ELSE c.salon_read_seq END AS read_seq) AS reader
    WHERE m.deleted_at IS NULL AND m.seq > reader.read_seq AND reader.id <> 'c3'
        AND NOT EXISTS (SELECT FROM messaging.mailed_conversation
            WHERE person_id = reader.id AND conversation_id = c.id AND up_to_seq >= m.seq)
        AND NOT EXISTS (SELECT FROM messaging.pending_mail
            WHERE recipient_id = reader.id AND conversation_id = c.id)";

/// Messages that are in more than one mail to the same person.
const TOLD_TWICE: &str = "
    SELECT count(*) FROM messaging.mail_conversation AS one
    JOIN messaging.mail ON mail.id = one.mail_id
    JOIN messaging.mail AS again ON again.recipient_id = mail.recipient_id AND again.id > mail.id
    JOIN messaging.mail_conversation AS other ON other.mail_id = again.id
        AND other.conversation_id = one.conversation_id
        AND other.after_seq < one.up_to_seq AND one.after_seq < other.up_to_seq";

/// Remaining mail data of the forgotten person.
const LEFT: &str = "
    SELECT (SELECT count(*) FROM messaging.pending_mail WHERE recipient_id = 'c3')
        + (SELECT count(*) FROM messaging.mail WHERE recipient_id = 'c3')
        + (SELECT count(*) FROM messaging.mailed_conversation WHERE person_id = 'c3')
        + (SELECT count(*) FROM messaging.mail_recipient WHERE person_id = 'c3')";

/// A conversation of the one salon with a client of that id.
async fn conversation_with(store: &PgStore, id: &str) -> TestConversation {
    let mut plan = plan(store).await;
    let client = client(id);
    store.upsert_participant(&client, now()).await.expect(ANSWERS);
    plan.parties.client = client.id;
    store.open_conversation(&plan).await.expect(ANSWERS);
    let (salon, client) = (plan.parties.salon, plan.parties.client);
    TestConversation { store: store.clone(), id: plan.id, salon, client }
}

/// Queues a mail about everything pending for `person`, unless another decision was first.
async fn queue_mail(store: &PgStore, person: &UserId) {
    let Some(case) = store.pending_notifications(person, now()).await.expect(ANSWERS) else {
        return;
    };
    let is_unmailed = |one: &&domain::mail::PendingConversation| one.unmailed > 0;
    let send = case.conversations.iter().filter(is_unmailed);
    let send = send.map(|one| (one.conversation.clone(), one.up_to)).collect();
    let read = case.conversations.iter().filter(|one| one.unmailed == 0);
    let drop = read.map(|one| (one.conversation.clone(), domain::mail::SkipReason::Read)).collect();
    let id = MailId::parse(&fresh_id()).expect("a good id");
    let mail = NewMail { id, recipient: person.clone(), at: now() };
    let decision = MailDecision { send, drop, ..MailDecision::default() };
    store.apply_mail_decision(&case, &decision, &mail).await.expect(ANSWERS);
}

/// Erases `person` as far as concurrent messages allow.
async fn erase(store: &PgStore, person: &UserId) {
    store.request_erasure(person, now()).await.expect(ANSWERS);
    while let Some(conversation) = store.next_to_erase(person).await.expect(ANSWERS) {
        let person = person.clone();
        let erase = EraseIn { person, conversation, messages_max: 3, at: now() };
        store.erase_in(&erase).await.expect(ANSWERS);
    }
    store.finish_erasure(person, now()).await.expect(ANSWERS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_at_once_nothing_is_lost_and_nothing_told_twice() {
    let scratch = Scratch::new().await;
    let mut conversations = Vec::new();
    for id in ["c1", "c2", "c3"] {
        let conversation = conversation_with(&scratch, id).await;
        conversations.push([conversation.clone(), conversation.on(scratch.another(|_| ()))]);
    }
    let gone = conversations[2][0].clone();
    at_once(120, |number| {
        let conversation = conversations[number % 3][number / 3 % 2].clone();
        async move {
            match number / 6 {
                0..8 => {
                    drop(
                        conversation
                            .try_send_text(&conversation.salon, "Bonjour")
                            .await
                            .expect(ANSWERS),
                    );
                }
                8..12 => drop(
                    conversation
                        .try_send_text(&conversation.client, "Bonjour")
                        .await
                        .expect(ANSWERS),
                ),
                12..15 => queue_mail(&conversation.store, &conversation.client).await,
                15..18 => queue_mail(&conversation.store, &conversation.salon).await,
                18 => drop(conversation.read(&conversation.client).await),
                _ if conversation.client.as_str() == "c3" => {
                    erase(&conversation.store, &conversation.client).await;
                }
                _ => drop(conversation.read(&conversation.salon).await),
            }
        }
    })
    .await;

    assert_eq!((scratch.number(LOST).await, scratch.number(TOLD_TWICE).await), (0, 0));
    erase(&scratch, &gone.client).await;
    assert_eq!(scratch.number(LEFT).await, 0);
    assert_counters_are_true(&scratch).await;
    let theirs = "SELECT count(*) FROM messaging.message AS m
        JOIN messaging.conversation AS c ON c.id = m.conversation_id
        WHERE c.client_id = 'c3' AND m.author_side = 'client' AND m.deleted_at IS NULL";
    assert_eq!(scratch.number(theirs).await, 0, "what they said last is gone too");
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(scratch.number(deadlocks).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_forgets_and_whoever_decides_never_wait_in_a_circle() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    for words in ["1", "2"] {
        conversation.send_text(&conversation.salon, words).await;
        queue_mail(&scratch, &conversation.client).await;
    }
    conversation.send_text(&conversation.salon, "3").await;
    let deciding = scratch.session().await;
    let begin = "BEGIN; UPDATE messaging.mail_recipient SET version = version + 1";
    deciding.batch_execute(begin).await.expect("nobody else decides");
    let forgetting = {
        let conversation = conversation.clone();
        tokio::spawn(async move {
            conversation.store.request_erasure(&conversation.client, now()).await
        })
    };
    until_waiting(&scratch, 1).await;
    let go_on = "SELECT FROM messaging.pending_mail FOR UPDATE NOWAIT; COMMIT";
    deciding.batch_execute(go_on).await.expect("who forgets holds nothing that is needed here");
    forgetting.await.expect("no panic").expect(ANSWERS);
}
