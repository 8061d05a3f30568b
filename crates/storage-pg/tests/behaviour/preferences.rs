//! Concurrent changes of preferences on several nodes.

use domain::mail::{
    preferences::MUTED_MAX,
    store::{Muting, PreferenceStore},
};

use crate::{
    support::Scratch,
    talk::{ANSWERS, TestConversation, now},
    waiting::at_once,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_who_mute_the_last_that_may_be_muted_one_does() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    let mut conversations = Vec::new();
    for _ in 0..20 {
        conversations.push(TestConversation::open(&scratch).await);
    }
    let muted_before = format!(
        "INSERT INTO messaging.conversation
            (id, salon_id, client_id, status, created_at, updated_at, last_message_at, last_seq)
        SELECT 'full-' || n, 's1', 'c1', 'ACTIVE', now(), now(), now(), 1
        FROM generate_series(1, {}) AS n;
        INSERT INTO messaging.muted_conversation (person_id, conversation_id)
        SELECT 'c1', id FROM messaging.conversation WHERE id LIKE 'full-%'",
        MUTED_MAX - 1,
    );
    scratch.sql(&muted_before).await;
    let outcomes =
        at_once(conversations.len(), |number| {
            let (store, conversation) = (nodes[number % 2].clone(), conversations[number].clone());
            async move {
                store.mute(&conversation.client, &conversation.id, now()).await.expect(ANSWERS)
            }
        })
        .await;
    let muted = outcomes.iter().filter(|outcome| **outcome == Muting::Muted).count();
    let refused = outcomes.iter().filter(|outcome| **outcome == Muting::TooMany).count();
    assert_eq!((muted, refused), (1, 19), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_mutes_and_who_takes_it_back_never_wait_in_a_circle() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    let conversation = TestConversation::open(&scratch).await;
    at_once(40, |number| {
        let (store, conversation) = (nodes[number % 2].clone(), conversation.clone());
        async move {
            if number % 3 == 0 {
                store.unmute(&conversation.client, &conversation.id, now()).await.expect(ANSWERS);
            } else {
                let muting =
                    store.mute(&conversation.client, &conversation.id, now()).await.expect(ANSWERS);
                assert_eq!(muting, Muting::Muted);
            }
        }
    })
    .await;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(scratch.number(deadlocks).await, 0);
}
