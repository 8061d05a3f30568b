//! Posting messages.

use super::{
    stage::{Stage, at},
    talk::posted,
};
use crate::{
    conversation::Status,
    event::EventKind,
    message::MessageKind,
    ports::Store,
    testing::fixture::{client, pictures, text},
    text::Subject,
};

/// A message is what its author said, with its files in their order, at the next position.
pub async fn a_message_is_what_its_author_said(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let post = talk.post(&talk.client, pictures("Léa 👩🏽‍🎨\n'; --", 3, Some("k1")));
    let posted = posted(talk.try_post(&post).await);

    let message = &posted.message;
    assert_eq!((&message.id, &message.conversation), (&post.id, &talk.id));
    assert!(message.author == client("c1"), "{:?}", message.author);
    assert_eq!(
        (message.seq, message.kind, message.created_at),
        (at(2), MessageKind::Image, post.at)
    );
    assert_eq!(message.content.as_str(), post.draft.content().as_str());
    assert!(post.draft.says_the_same_as(message));
    assert!(message.attachments.iter().map(|one| &one.id).eq(&post.attachments));
    assert_eq!((message.is_read, message.read_at), (false, None));

    let [event] = &posted.events[..] else { panic!("one thing happened: {posted:?}") };
    assert_eq!((event.seq, event.at, &event.actor), (at(2), post.at, &talk.client));
    assert_eq!((&event.conversation, &event.parties), (&talk.id, &talk.state().await.parties));
    assert_eq!(event.kind, EventKind::MessagePosted(message.clone()));
    for viewer in [&talk.salon, &talk.client] {
        assert_eq!(talk.find(viewer, message).await.as_ref(), Some(&**message));
    }
}

/// Files alone are a message.
pub async fn a_message_may_be_files_without_words(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let message = talk.send(&talk.client, pictures("", 5, None)).await.message;
    assert_eq!((message.content.as_str(), message.attachments.len()), ("", 5));
    assert_eq!(talk.reread(&message).await, *message);
}

/// A message is the newest of its conversation and moves its times.
pub async fn a_message_brings_its_conversation_up_to_date(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let opened = talk.state().await;
    talk.say(&talk.client, "Bonjour").await;
    let message = talk.say(&talk.salon, "Oui ?").await;

    let view = talk.view(&talk.client).await;
    let now = &view.conversation;
    assert_eq!((now.last_message_at, now.updated_at), (message.created_at, message.created_at));
    assert_eq!((now.created_at, now.last_seq), (opened.created_at, message.seq));
    let last = view.last_message.expect("there is a newest message");
    assert_eq!((&last.id, &last.author, last.kind), (&message.id, &talk.salon, MessageKind::Text));
    assert_eq!((last.content.as_str(), last.created_at), ("Oui ?", message.created_at));
}

/// An archived conversation comes back before the message is posted.
pub async fn a_message_takes_an_archived_conversation_out_again(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.name("Bras").await;
    talk.archive().await;
    let posted = talk.send(&talk.client, text("Encore moi")).await;

    let [back, said] = &posted.events[..] else { panic!("two things happened: {posted:?}") };
    let EventKind::ConversationUpdated { subject, status } = &back.kind else { panic!("{back:?}") };
    assert_eq!((subject.as_ref().map(Subject::as_str), status), (Some("Bras"), &Status::Active));
    assert_eq!((&back.actor, back.at), (&talk.client, said.at));
    assert_eq!((back.seq, said.seq, posted.message.seq), (at(4), at(5), at(5)));
    assert_eq!(said.kind, EventKind::MessagePosted(posted.message.clone()));
    let now = talk.state().await;
    assert_eq!((now.status, now.last_seq), (Status::Active, at(5)));
    assert_eq!(talk.log().await[3..], posted.events);
}

/// What arrives before watching eyes is read, and so is what came before it.
pub async fn a_message_before_watching_eyes_is_read_as_it_arrives(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let earlier = talk.say(&talk.client, "Bonjour").await;
    let own = talk.say(&talk.salon, "Oui ?").await;
    let mut post = talk.post(&talk.client, text("Samedi ?"));
    post.read_on_arrival = true;
    let posted = posted(talk.try_post(&post).await);

    assert_eq!((posted.message.is_read, posted.message.read_at), (true, Some(post.at)));
    let [said, read] = &posted.events[..] else { panic!("two things happened: {posted:?}") };
    assert_eq!(said.kind, EventKind::MessagePosted(posted.message.clone()));
    let EventKind::MessagesRead(receipt) = &read.kind else { panic!("should be read: {read:?}") };
    assert_eq!((read.seq, read.at, &read.actor), (said.seq.next(), post.at, &talk.salon));
    assert_eq!((&receipt.reader, receipt.up_to), (&talk.salon, posted.message.seq));
    assert!(receipt.several);

    let view = talk.view(&talk.salon).await;
    assert_eq!((view.unread, view.conversation.horizons.salon), (0, posted.message.seq));
    assert_eq!((view.conversation.last_seq, view.conversation.horizons.client), (read.seq, at(0)));
    assert_eq!(talk.reread(&earlier).await.read_at, Some(post.at));
    assert!(!talk.reread(&own).await.is_read);
    assert_eq!(talk.log().await[3..], posted.events);
}
