//! How often the database is asked.

use domain::{
    conversation::store::{ConversationStore, LogStore, MessageStore, PostOutcome, ReadingStore},
    ids::{AttachmentId, Seq},
    page::Window,
    testing::fixture::{keyed, pictures},
};

use crate::{
    support::Scratch,
    talk::{ANSWERS, Talk, fresh_id},
    uploads::{send, uploaded},
};

fn fresh_attachment() -> AttachmentId {
    AttachmentId::parse(&fresh_id()).expect("a good id")
}

/// How many statements `work` takes.
async fn statements(talk: &Talk, work: impl AsyncFnOnce()) -> u64 {
    let before = talk.store.statements();
    work().await;
    talk.store.statements() - before
}

#[tokio::test]
async fn a_send_with_known_parties_is_one_statement() {
    let scratch = Scratch::new().await;
    let talk = Talk::open(&scratch).await;
    let mut post = talk.post(&talk.client, pictures("Bras", 3, Some("k1")));
    post.attachments = (0..3).map(|_| fresh_attachment()).collect();
    post.read_on_arrival = true;
    let send = statements(&talk, async || {
        talk.store.parties(&talk.id).await.expect(ANSWERS).expect("just opened");
        talk.store.post_message(&post).await.expect(ANSWERS);
    });
    assert_eq!(send.await, 1);
}

#[tokio::test]
async fn a_send_of_uploads_is_one_statement() {
    let scratch = Scratch::new().await;
    let talk = Talk::open(&scratch).await;
    let uploads = [uploaded(&scratch).await, uploaded(&scratch).await];
    let sent = statements(&talk, async || {
        let outcome = send(&talk, &uploads).await;
        assert!(matches!(outcome, PostOutcome::Posted(_)), "{outcome:?}");
    });
    assert_eq!(sent.await, 1);
}

#[tokio::test]
async fn parties_are_asked_for_once() {
    let scratch = Scratch::new().await;
    let talk = Talk::open(&scratch).await;
    let elsewhere = talk.on(scratch.another(|_| ()));
    let asked = statements(&elsewhere, async || {
        for _ in 0..3 {
            let parties = elsewhere.store.parties(&talk.id).await.expect(ANSWERS);
            assert_eq!(parties.expect("it is there").client, talk.client);
        }
    });
    // The first statement of a connection is preceded by what sets the session up.
    let first = asked.await;
    let again = statements(&elsewhere, async || {
        elsewhere.store.parties(&talk.id).await.expect(ANSWERS);
    });
    assert_eq!((first, again.await), (1, 0));
}

#[tokio::test]
async fn a_replay_is_two_statements() {
    let scratch = Scratch::new().await;
    let talk = Talk::open(&scratch).await;
    let post = talk.post(&talk.client, keyed("Bonjour", "k1"));
    talk.store.post_message(&post).await.expect(ANSWERS);
    let replay = statements(&talk, async || {
        talk.store.post_message(&post).await.expect(ANSWERS);
    });
    assert_eq!(replay.await, 2);
}

#[tokio::test]
async fn reads_do_not_ask_for_each_row() {
    let scratch = Scratch::new().await;
    let talk = Talk::open(&scratch).await;
    for number in 0..20 {
        let other = Talk::open(&scratch).await;
        other.say(&other.client, "Bonjour").await;
        let key = format!("k{number}");
        let mut post = talk.post(&talk.client, pictures("Bras", 1, Some(&key)));
        post.attachments = vec![fresh_attachment()];
        talk.store.post_message(&post).await.expect(ANSWERS);
    }
    let (store, salon) = (&talk.store, &talk.salon);
    let list = statements(&talk, async || {
        let page = store.conversations(salon, None, &Window::first(50)).await.expect(ANSWERS);
        assert_eq!(page.items.len(), 21);
    });
    assert_eq!(list.await, 2);
    let history = statements(&talk, async || {
        let history = store.history(&talk.id, salon, &Window::first(50)).await.expect(ANSWERS);
        assert_eq!(history.expect("takes part").page.items.len(), 20);
    });
    assert_eq!(history.await, 2);
    let log = statements(&talk, async || {
        let log = store.events_after(&talk.id, salon, Seq::ZERO, 1_000).await.expect(ANSWERS);
        let log = log.expect("takes part").events().expect("nothing is forgotten");
        assert_eq!(log.len(), 21);
    });
    assert_eq!(log.await, 3);
    let badges = statements(&talk, async || {
        assert_eq!(store.unread_total(salon).await.expect(ANSWERS), 40);
        assert_eq!(store.unread_conversations(salon, 10).await.expect(ANSWERS).len(), 10);
        talk.read(salon).await;
    });
    assert_eq!(badges.await, 3);
}
