//! The number of round trips.

use domain::{
    conversation::store::{ConversationStore, LogStore, MessageStore, ReadingStore},
    ids::{AttachmentId, Seq},
    page::Window,
    testing::{
        commands::{Commands, PostOutcome},
        fixture::{keyed, pictures},
    },
};

use crate::{
    support::Scratch,
    talk::{ANSWERS, TestConversation, fresh_id},
    uploads::{send, uploaded},
};

fn fresh_attachment() -> AttachmentId {
    AttachmentId::parse(&fresh_id()).expect("a good id")
}

/// The number of round trips of `work`.
async fn round_trips(conversation: &TestConversation, work: impl AsyncFnOnce()) -> u64 {
    let before = conversation.store.round_trips();
    work().await;
    conversation.store.round_trips() - before
}

#[tokio::test]
async fn a_send_with_known_parties_is_two_round_trips() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let mut post = conversation.post(&conversation.client, pictures("Bras", 3, Some("k1")));
    post.attachments = (0..3).map(|_| fresh_attachment()).collect();
    post.read_on_arrival = true;
    let send = round_trips(&conversation, async || {
        conversation
            .store
            .parties(&conversation.id, &conversation.salon)
            .await
            .expect(ANSWERS)
            .expect("just opened");
        conversation.store.post_message(&post).await.expect(ANSWERS);
    });
    assert_eq!(send.await, 2);
}

#[tokio::test]
async fn a_send_of_uploads_is_five_round_trips() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let uploads = [uploaded(&scratch).await, uploaded(&scratch).await];
    let sent = round_trips(&conversation, async || {
        let outcome = send(&conversation, &uploads).await;
        assert!(matches!(outcome, PostOutcome::Posted(_)), "{outcome:?}");
    });
    assert_eq!(sent.await, 5);
}

#[tokio::test]
async fn parties_are_asked_for_once() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let elsewhere = conversation.on(scratch.another(|_| ()));
    let asked = round_trips(&elsewhere, async || {
        for _ in 0..3 {
            let parties = elsewhere
                .store
                .parties(&conversation.id, &conversation.salon)
                .await
                .expect(ANSWERS);
            assert_eq!(parties.expect("it is there").client, conversation.client);
        }
    });
    // The first statement of a connection is preceded by what sets the session up.
    let first = asked.await;
    let again = round_trips(&elsewhere, async || {
        elsewhere.store.parties(&conversation.id, &conversation.salon).await.expect(ANSWERS);
    });
    assert_eq!((first, again.await), (1, 0));
}

#[tokio::test]
async fn a_replay_is_three_round_trips() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let post = conversation.post(&conversation.client, keyed("Bonjour", "k1"));
    conversation.store.post_message(&post).await.expect(ANSWERS);
    let replay = round_trips(&conversation, async || {
        conversation.store.post_message(&post).await.expect(ANSWERS);
    });
    assert_eq!(replay.await, 3);
}

#[tokio::test]
async fn reads_do_not_ask_for_each_row() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    for number in 0..20 {
        let other = TestConversation::open(&scratch).await;
        other.send_text(&other.client, "Bonjour").await;
        let key = format!("k{number}");
        let mut post = conversation.post(&conversation.client, pictures("Bras", 1, Some(&key)));
        post.attachments = vec![fresh_attachment()];
        conversation.store.post_message(&post).await.expect(ANSWERS);
    }
    let (store, salon) = (&conversation.store, &conversation.salon);
    let list = round_trips(&conversation, async || {
        let page = store.conversations(salon, None, &Window::first(50)).await.expect(ANSWERS);
        assert_eq!(page.items.len(), 21);
    });
    assert_eq!(list.await, 2);
    let history = round_trips(&conversation, async || {
        let history =
            store.history(&conversation.id, salon, &Window::first(50)).await.expect(ANSWERS);
        assert_eq!(history.expect("takes part").page.items.len(), 20);
    });
    assert_eq!(history.await, 2);
    let log = round_trips(&conversation, async || {
        let log =
            store.events_after(&conversation.id, salon, Seq::ZERO, 1_000).await.expect(ANSWERS);
        let log = log.expect("takes part").events().expect("nothing is forgotten");
        assert_eq!(log.len(), 21);
    });
    assert_eq!(log.await, 3);
    let badges = round_trips(&conversation, async || {
        assert_eq!(store.unread_total(salon).await.expect(ANSWERS), 40);
        assert_eq!(store.unread_conversations(salon, 10).await.expect(ANSWERS).len(), 10);
        conversation.read(salon).await;
    });
    assert_eq!(badges.await, 4);
}
