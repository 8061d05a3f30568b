//! Deleting messages.

use super::stage::{Stage, at};
use crate::{
    event::EventKind,
    page::Window,
    ports::Store,
    testing::fixture::{pictures, user},
};

/// A deleted message is in no history, no list and no log; that there was one stays known.
pub async fn a_deleted_message_is_nowhere(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.client, "Bonjour").await;
    let secret = talk.send(&talk.client, pictures("un secret", 2, None)).await.message;
    let event = talk.delete(&secret).await.expect("its author may");

    assert_eq!((event.seq, &event.actor), (at(4), &talk.client));
    assert_eq!((&event.conversation, &event.parties), (&talk.id, &talk.state().await.parties));
    assert_eq!(event.kind, EventKind::MessageDeleted(secret.id.clone()));
    for viewer in [&talk.salon, &talk.client] {
        assert_eq!(talk.find(viewer, &secret).await, None);
        let last = talk.view(viewer).await.last_message.expect("one is left");
        assert_eq!(last.content.as_str(), "Bonjour");
    }
    let waiting = stage.unread_conversations(&talk.salon, 10).await;
    assert_eq!(waiting[0].last_message.content.as_str(), "Bonjour");
    let history = talk.history(&Window::first(50)).await;
    assert_eq!((talk.words().await, history.page.total), (vec!["Bonjour".to_owned()], 1));
    assert_eq!(history.last_seq, event.seq);
    let log = talk.log().await;
    assert_eq!(log[2].kind, EventKind::MessageWithdrawn(secret.id.clone()));
    assert_eq!(
        (log[2].seq, log[2].at, &log[2].actor),
        (secret.seq, secret.created_at, &talk.client)
    );
    assert_eq!(log[3], event);
}

/// Without its newest message a conversation stands where the newest one left puts it.
pub async fn the_place_in_lists_falls_back_to_the_newest_message_left(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let first = talk.say(&talk.client, "1").await;
    let second = talk.say(&talk.salon, "2").await;
    let third = talk.say(&talk.client, "3").await;
    let updated_at = talk.state().await.updated_at;

    for (deleted, left) in [(&second, third.created_at), (&third, first.created_at)] {
        talk.delete(deleted).await;
        assert_eq!(talk.state().await.last_message_at, left);
    }
    talk.delete(&first).await;
    let view = talk.view(&talk.salon).await;
    assert_eq!(view.conversation.last_message_at, view.conversation.created_at);
    assert_eq!((view.last_message, view.conversation.updated_at), (None, updated_at));
}

/// What waited to be read waits no longer when it is deleted; what was read counts for nothing.
pub async fn deleting_what_waits_lowers_unread(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let read = talk.say(&talk.client, "1").await;
    talk.read(&talk.salon).await;
    let waiting = talk.say(&talk.client, "2").await;
    let last = talk.say(&talk.client, "3").await;
    for (message, unread) in [(&read, 2), (&waiting, 1), (&last, 0)] {
        talk.delete(message).await;
        assert_eq!(talk.view(&talk.salon).await.unread, unread);
        assert_eq!(stage.unread_total(&talk.salon).await, unread);
    }
    assert_eq!(stage.unread_conversations(&talk.salon, 10).await, []);
}

/// Nobody deletes what somebody else said.
pub async fn only_its_author_deletes_a_message(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let elsewhere = stage.talk("s1", "c2").await;
    let message = talk.say(&talk.client, "Bonjour").await;
    for other in [&talk.salon, &elsewhere.client, &user("nobody")] {
        assert_eq!(talk.delete_as(other, &message).await, None);
    }
    assert_eq!(talk.reread(&message).await, *message);
    assert_eq!(talk.log().await.len(), 2);
}

/// A message is deleted once.
pub async fn deleting_twice_happens_once(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let message = talk.say(&talk.client, "Bonjour").await;
    assert!(talk.delete(&message).await.is_some());
    assert_eq!(talk.delete(&message).await, None);
    assert_eq!((talk.state().await.last_seq, talk.log().await.len()), (at(3), 3));
}
