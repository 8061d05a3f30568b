//! Sending once: a sender's own key names one message.

use futures_util::future::join_all;

use super::{
    stage::Stage,
    talk::{Talk, posted},
};
use crate::{
    message::Message,
    ports::{PostOutcome, Store},
    testing::fixture::{keyed, pictures, text},
};

fn replayed(outcome: PostOutcome) -> Message {
    match outcome {
        PostOutcome::Replayed { message, .. } => (*message).clone(),
        other => panic!("should have been a replay: {other:?}"),
    }
}

async fn assert_unchanged_by(talk: &Talk<'_>, posts: impl AsyncFnOnce()) {
    let before = (talk.state().await, talk.words().await, talk.log().await);
    posts().await;
    assert_eq!((talk.state().await, talk.words().await, talk.log().await), before);
}

/// The same under the same key is the first message again, and changes nothing.
pub async fn a_repeated_key_brings_the_first_message_again(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    for draft in
        [keyed("Bonjour", "k1"), pictures("", 2, Some("k2")), pictures("Bras", 1, Some("k3"))]
    {
        let first = talk.send(&talk.client, draft.clone()).await.message;
        assert_unchanged_by(&talk, async || {
            let again = talk.try_send(&talk.client, draft).await;
            let PostOutcome::Replayed { message, parties } = again else { panic!("{again:?}") };
            assert_eq!(message, first);
            assert_eq!((&parties.salon, &parties.client), (&talk.salon, &talk.client));
        })
        .await;
    }
}

/// A replay shows the message as it is by now.
pub async fn a_replay_knows_that_the_message_was_read_since(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let first = talk.send(&talk.client, keyed("Bonjour", "k1")).await.message;
    let read = talk.read(&talk.salon).await.event.expect("something was read");

    let again = replayed(talk.try_send(&talk.client, keyed("Bonjour", "k1")).await);
    assert_eq!((again.is_read, again.read_at), (true, Some(read.at)));
    assert_eq!((&again.id, again.seq, again.created_at), (&first.id, first.seq, first.created_at));
}

/// A replay neither takes an archived conversation out nor moves a horizon.
pub async fn a_replay_changes_nothing_around_it(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.send(&talk.client, keyed("Bonjour", "k1")).await;
    talk.archive().await;
    let mut again = talk.post(&talk.client, keyed("Bonjour", "k1"));
    again.read_on_arrival = true;
    assert_unchanged_by(&talk, async || {
        assert!(!replayed(talk.try_post(&again).await).is_read);
    })
    .await;
}

/// Other words, another kind or other files under the same key are refused, and change nothing.
pub async fn a_key_names_no_second_message(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.send(&talk.client, keyed("Bonjour", "words")).await;
    talk.send(&talk.client, pictures("Bras", 2, Some("files"))).await;
    assert_unchanged_by(&talk, async || {
        for other in [
            keyed("Bonsoir", "words"),
            keyed("Bonjour ", "words"),
            pictures("Bonjour", 0, Some("words")),
            pictures("Bonjour", 1, Some("words")),
            pictures("Bras", 1, Some("files")),
            pictures("Bras", 3, Some("files")),
        ] {
            let outcome = talk.try_send(&talk.client, other.clone()).await;
            assert_eq!(outcome, PostOutcome::KeyReused, "{other:?}");
        }
    })
    .await;
}

/// What was deleted does not come back by a late retry, whatever the retry says.
pub async fn the_key_of_a_deleted_message_is_spent(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let message = talk.send(&talk.client, keyed("Bonjour", "k1")).await.message;
    talk.delete(&message).await;
    assert_unchanged_by(&talk, async || {
        for words in ["Bonjour", "Bonsoir"] {
            let outcome = talk.try_send(&talk.client, keyed(words, "k1")).await;
            assert_eq!(outcome, PostOutcome::Withdrawn);
        }
    })
    .await;
}

/// A key is its sender's: the other side may use the same.
pub async fn the_other_side_s_key_is_another_key(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let one = talk.send(&talk.client, keyed("Bonjour", "k1")).await.message;
    let other = talk.send(&talk.salon, keyed("Oui ?", "k1")).await.message;
    assert_eq!(replayed(talk.try_send(&talk.client, keyed("Bonjour", "k1")).await), *one);
    assert_eq!(replayed(talk.try_send(&talk.salon, keyed("Oui ?", "k1")).await), *other);
}

/// A key is its conversation's: the same sender may use it again elsewhere.
pub async fn a_key_is_free_in_another_conversation(store: &dyn Store) {
    let stage = Stage::new(store);
    let (here, there) = (stage.talk("s1", "c1").await, stage.talk("s1", "c1").await);
    let one = here.send(&here.client, keyed("Bonjour", "k1")).await.message;
    let other = there.send(&there.client, keyed("Bonjour", "k1")).await.message;
    assert_ne!(one.id, other.id);
    assert_eq!(replayed(here.try_send(&here.client, keyed("Bonjour", "k1")).await), *one);
    assert_eq!(replayed(there.try_send(&there.client, keyed("Bonjour", "k1")).await), *other);
}

/// Keys that differ in case differ.
pub async fn keys_are_told_apart_by_case(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.send(&talk.client, keyed("Bonjour", "key")).await;
    talk.send(&talk.client, keyed("Bonsoir", "KEY")).await;
    assert_eq!(talk.words().await, ["Bonjour", "Bonsoir"]);
}

/// Without a key, the same words are another message.
pub async fn without_a_key_every_message_is_new(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let (one, other) =
        (talk.send(&talk.client, text("?")).await, talk.send(&talk.client, text("?")).await);
    assert_ne!(one.message.id, other.message.id);
    assert_eq!(talk.words().await, ["?", "?"]);
}

/// Of ten sends under one key at the same moment, one posts and nine bring its message.
pub async fn of_ten_sends_at_once_one_posts(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let posts: Vec<_> =
        (0..10).map(|_| talk.post(&talk.client, pictures("Bonjour", 1, Some("k1")))).collect();
    let outcomes = join_all(posts.iter().map(|post| talk.try_post(post))).await;

    let is_new = |outcome: &PostOutcome| matches!(outcome, PostOutcome::Posted(_));
    let (new, again): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(is_new);
    assert_eq!((new.len(), again.len()), (1, 9));
    let message = new.into_iter().map(posted).next().expect("one was posted").message;
    for outcome in again {
        assert_eq!(replayed(outcome), *message);
    }
    assert_eq!((talk.words().await.len(), talk.log().await.len()), (1, 2));
}
