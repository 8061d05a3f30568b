//! Posting messages.

use futures_util::future::join_all;

use super::setup::{ANSWERS, Fixture, TestConversation, after, at, page, posted};
use crate::{
    conversation::{
        Status,
        event::EventKind,
        message::{Message, MessageKind},
        store::History,
    },
    ids::MessageId,
    page::{MessageCursor, Window},
    store::Store,
    testing::{
        commands::PostOutcome,
        fixture::{client, keyed, pictures, text, user},
    },
    text::Subject,
};

/// A message is as its author sent it, with its files in order, at the next position.
pub async fn a_message_is_what_its_author_said(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let post = conversation.post(&conversation.client, pictures("Léa 👩🏽‍🎨\n'; --", 3, Some("k1")));
    let posted = posted(conversation.try_post(&post).await);

    let message = &posted.message;
    assert_eq!((&message.id, &message.conversation), (&post.id, &conversation.id));
    assert!(message.author == client("c1"), "{:?}", message.author);
    assert_eq!(
        (message.seq, message.kind, message.created_at),
        (at(2), MessageKind::Image, post.at)
    );
    assert_eq!(message.content.as_str(), post.draft.content().as_str());
    assert!(post.draft.has_same_content_as(message));
    assert!(message.attachments.iter().map(|one| &one.id).eq(&post.attachments));
    assert_eq!((message.is_read, message.read_at), (false, None));

    let [event] = &posted.events[..] else { panic!("one thing happened: {posted:?}") };
    assert_eq!((event.seq, event.at, &event.actor), (at(2), post.at, &conversation.client));
    assert_eq!(
        (&event.conversation, &event.parties),
        (&conversation.id, &conversation.state().await.parties)
    );
    assert_eq!(event.kind, EventKind::MessagePosted(message.clone()));
    for viewer in [&conversation.salon, &conversation.client] {
        assert_eq!(conversation.find(viewer, message).await.as_ref(), Some(&**message));
    }
}

/// A message may have files only.
pub async fn a_message_may_be_files_without_words(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let message = conversation.send(&conversation.client, pictures("", 5, None)).await.message;
    assert_eq!((message.content.as_str(), message.attachments.len()), ("", 5));
    assert_eq!(conversation.reload(&message).await, *message);
}

/// A message is the newest of its conversation and updates its times.
pub async fn a_message_brings_its_conversation_up_to_date(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let opened = conversation.state().await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let message = conversation.send_text(&conversation.salon, "Oui ?").await;

    let view = conversation.view(&conversation.client).await;
    let now = &view.conversation;
    assert_eq!((now.last_message_at, now.updated_at), (message.created_at, message.created_at));
    assert_eq!((now.created_at, now.last_seq), (opened.created_at, message.seq));
    let last = view.last_message.expect("there is a newest message");
    assert_eq!(
        (&last.id, &last.author, last.kind),
        (&message.id, &conversation.salon, MessageKind::Text)
    );
    assert_eq!((last.content.as_str(), last.created_at), ("Oui ?", message.created_at));
}

/// An archived conversation is unarchived before the message is posted.
pub async fn a_message_unarchives_a_conversation(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.set_subject("Bras").await;
    conversation.archive().await;
    let posted = conversation.send(&conversation.client, text("Encore moi")).await;

    let [back, said] = &posted.events[..] else { panic!("two things happened: {posted:?}") };
    let EventKind::ConversationUpdated { subject, status } = &back.kind else { panic!("{back:?}") };
    assert_eq!((subject.as_ref().map(Subject::as_str), status), (Some("Bras"), &Status::Active));
    assert_eq!((&back.actor, back.at), (&conversation.client, said.at));
    assert_eq!((back.seq, said.seq, posted.message.seq), (at(4), at(5), at(5)));
    assert_eq!(said.kind, EventKind::MessagePosted(posted.message.clone()));
    let now = conversation.state().await;
    assert_eq!((now.status, now.last_seq), (Status::Active, at(5)));
    assert_eq!(conversation.log().await[3..], posted.events);
}

/// A message to a watching reader is read at once, and so are those before it.
pub async fn a_message_to_a_watching_reader_is_read_on_arrival(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let earlier = conversation.send_text(&conversation.client, "Bonjour").await;
    let own = conversation.send_text(&conversation.salon, "Oui ?").await;
    let mut post = conversation.post(&conversation.client, text("Samedi ?"));
    post.read_on_arrival = true;
    let posted = posted(conversation.try_post(&post).await);

    assert_eq!((posted.message.is_read, posted.message.read_at), (true, Some(post.at)));
    let [said, read] = &posted.events[..] else { panic!("two things happened: {posted:?}") };
    assert_eq!(said.kind, EventKind::MessagePosted(posted.message.clone()));
    let EventKind::MessagesRead(receipt) = &read.kind else { panic!("should be read: {read:?}") };
    assert_eq!((read.seq, read.at, &read.actor), (said.seq.next(), post.at, &conversation.salon));
    assert_eq!((&receipt.reader, receipt.up_to), (&conversation.salon, posted.message.seq));
    assert!(receipt.several);

    let view = conversation.view(&conversation.salon).await;
    assert_eq!((view.unread, view.conversation.horizons.salon), (0, posted.message.seq));
    assert_eq!((view.conversation.last_seq, view.conversation.horizons.client), (read.seq, at(0)));
    assert_eq!(conversation.reload(&earlier).await.read_at, Some(post.at));
    assert!(!conversation.reload(&own).await.is_read);
    assert_eq!(conversation.log().await[3..], posted.events);
}

// Idempotency: a sender's key belongs to one message.

fn replayed(outcome: PostOutcome) -> Message {
    match outcome {
        PostOutcome::Replayed { message, .. } => (*message).clone(),
        other => panic!("should have been a replay: {other:?}"),
    }
}

async fn assert_unchanged_by(conversation: &TestConversation<'_>, posts: impl AsyncFnOnce()) {
    let before = (conversation.state().await, conversation.texts().await, conversation.log().await);
    posts().await;
    assert_eq!(
        (conversation.state().await, conversation.texts().await, conversation.log().await),
        before
    );
}

/// The same content with the same key returns the first message, and changes nothing.
pub async fn a_repeated_key_brings_the_first_message_again(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    for draft in
        [keyed("Bonjour", "k1"), pictures("", 2, Some("k2")), pictures("Bras", 1, Some("k3"))]
    {
        let first = conversation.send(&conversation.client, draft.clone()).await.message;
        assert_unchanged_by(&conversation, async || {
            let again = conversation.try_send(&conversation.client, draft).await;
            let PostOutcome::Replayed { message, parties } = again else { panic!("{again:?}") };
            assert_eq!(message, first);
            assert_eq!(
                (&parties.salon, &parties.client),
                (&conversation.salon, &conversation.client)
            );
        })
        .await;
    }
}

/// A replay shows the message in its current state.
pub async fn a_replay_knows_that_the_message_was_read_since(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let first = conversation.send(&conversation.client, keyed("Bonjour", "k1")).await.message;
    let read = conversation.mark_read(&conversation.salon).await.event.expect("something was read");

    let again = replayed(conversation.try_send(&conversation.client, keyed("Bonjour", "k1")).await);
    assert_eq!((again.is_read, again.read_at), (true, Some(read.at)));
    assert_eq!((&again.id, again.seq, again.created_at), (&first.id, first.seq, first.created_at));
}

/// A replay neither unarchives a conversation nor moves a horizon.
pub async fn a_replay_changes_nothing_around_it(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send(&conversation.client, keyed("Bonjour", "k1")).await;
    conversation.archive().await;
    let mut again = conversation.post(&conversation.client, keyed("Bonjour", "k1"));
    again.read_on_arrival = true;
    assert_unchanged_by(&conversation, async || {
        assert!(!replayed(conversation.try_post(&again).await).is_read);
    })
    .await;
}

/// Another text, kind or other files with the same key are refused, and change nothing.
pub async fn a_key_names_no_second_message(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send(&conversation.client, keyed("Bonjour", "words")).await;
    conversation.send(&conversation.client, pictures("Bras", 2, Some("files"))).await;
    assert_unchanged_by(&conversation, async || {
        for other in [
            keyed("Bonsoir", "words"),
            keyed("Bonjour ", "words"),
            pictures("Bonjour", 0, Some("words")),
            pictures("Bonjour", 1, Some("words")),
            pictures("Bras", 1, Some("files")),
            pictures("Bras", 3, Some("files")),
        ] {
            let outcome = conversation.try_send(&conversation.client, other.clone()).await;
            assert_eq!(outcome, PostOutcome::KeyReused, "{other:?}");
        }
    })
    .await;
}

/// A late retry does not restore a deleted message, whatever its content.
pub async fn the_key_of_a_deleted_message_is_spent(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let message = conversation.send(&conversation.client, keyed("Bonjour", "k1")).await.message;
    conversation.delete(&message).await;
    assert_unchanged_by(&conversation, async || {
        for words in ["Bonjour", "Bonsoir"] {
            let outcome = conversation.try_send(&conversation.client, keyed(words, "k1")).await;
            assert_eq!(outcome, PostOutcome::Withdrawn);
        }
    })
    .await;
}

/// A key belongs to its sender: the other side may use the same.
pub async fn the_other_side_s_key_is_another_key(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let one = conversation.send(&conversation.client, keyed("Bonjour", "k1")).await.message;
    let other = conversation.send(&conversation.salon, keyed("Oui ?", "k1")).await.message;
    assert_eq!(
        replayed(conversation.try_send(&conversation.client, keyed("Bonjour", "k1")).await),
        *one
    );
    assert_eq!(
        replayed(conversation.try_send(&conversation.salon, keyed("Oui ?", "k1")).await),
        *other
    );
}

/// A key belongs to its conversation: the same sender may use it again elsewhere.
pub async fn a_key_is_free_in_another_conversation(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (here, there) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s1", "c1").await);
    let one = here.send(&here.client, keyed("Bonjour", "k1")).await.message;
    let other = there.send(&there.client, keyed("Bonjour", "k1")).await.message;
    assert_ne!(one.id, other.id);
    assert_eq!(replayed(here.try_send(&here.client, keyed("Bonjour", "k1")).await), *one);
    assert_eq!(replayed(there.try_send(&there.client, keyed("Bonjour", "k1")).await), *other);
}

/// Keys are case-sensitive.
pub async fn keys_are_told_apart_by_case(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send(&conversation.client, keyed("Bonjour", "key")).await;
    conversation.send(&conversation.client, keyed("Bonsoir", "KEY")).await;
    assert_eq!(conversation.texts().await, ["Bonjour", "Bonsoir"]);
}

/// Without a key, the same text is another message.
pub async fn without_a_key_every_message_is_new(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let (one, other) = (
        conversation.send(&conversation.client, text("?")).await,
        conversation.send(&conversation.client, text("?")).await,
    );
    assert_ne!(one.message.id, other.message.id);
    assert_eq!(conversation.texts().await, ["?", "?"]);
}

/// Of ten concurrent sends with one key, one posts and nine return its message.
pub async fn of_ten_sends_at_once_one_posts(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let posts: Vec<_> = (0..10)
        .map(|_| conversation.post(&conversation.client, pictures("Bonjour", 1, Some("k1"))))
        .collect();
    let outcomes = join_all(posts.iter().map(|post| conversation.try_post(post))).await;

    let is_new = |outcome: &PostOutcome| matches!(outcome, PostOutcome::Posted(_));
    let (new, again): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(is_new);
    assert_eq!((new.len(), again.len()), (1, 9));
    let message = new.into_iter().map(posted).next().expect("one was posted").message;
    for outcome in again {
        assert_eq!(replayed(outcome), *message);
    }
    assert_eq!((conversation.texts().await.len(), conversation.log().await.len()), (1, 2));
}

// Reading messages by page.

/// Posts "1", "2" … alternately, client first.
async fn count_to(conversation: &TestConversation<'_>, last: u32) {
    for number in 1..=last {
        let author = if number % 2 == 1 { &conversation.client } else { &conversation.salon };
        conversation.send_text(author, &number.to_string()).await;
    }
}

fn numbers(history: &History) -> Vec<u32> {
    let number = |words: &str| words.parse().expect("only numbers are said here");
    history.page.items.iter().map(|message| number(message.content.as_str())).collect()
}

/// Newest first, with the newest position and the number of all messages.
pub async fn history_is_newest_first(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    count_to(&conversation, 3).await;
    let read = conversation.mark_read(&conversation.salon).await.event.expect("something was read");

    let history = conversation.history(&Window::first(50)).await;
    assert_eq!(numbers(&history), [3, 2, 1]);
    assert_eq!((history.page.total, history.page.next), (3, None));
    assert_eq!(
        (&history.parties.salon, &history.parties.client),
        (&conversation.salon, &conversation.client)
    );
    assert_eq!((history.last_seq, history.page.items[0].seq), (read.seq, at(4)));
    assert_eq!(
        conversation.try_history(&conversation.client, &Window::first(50)).await,
        Some(history)
    );
}

/// A conversation without messages has an empty page.
pub async fn the_history_of_an_empty_conversation_is_an_empty_page(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let history = conversation.history(&Window::first(50)).await;
    assert_eq!((history.page.items.len(), history.page.total, history.page.next), (0, 0, None));
    assert_eq!(history.last_seq, at(1));
}

/// Messages in a page are complete: files, authors, read state.
pub async fn a_page_shows_messages_as_they_are_alone(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send(&conversation.client, pictures("Bras", 3, None)).await;
    conversation.mark_read(&conversation.salon).await;
    conversation.send(&conversation.salon, pictures("", 2, None)).await;
    conversation.send_text(&conversation.client, "Merci").await;
    for message in conversation.history(&Window::first(50)).await.page.items {
        assert_eq!(conversation.find(&conversation.client, &message).await, Some(message));
    }
}

/// By number, each message is on one page.
pub async fn numbered_pages_hold_each_message_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    count_to(&conversation, 25).await;
    for (number, first, last) in [(1, 25, 16), (2, 15, 6), (3, 5, 1)] {
        let history = conversation.history(&page(number, 10)).await;
        assert_eq!(numbers(&history), (last..=first).rev().collect::<Vec<_>>());
        assert_eq!((history.page.total, history.page.next.is_some()), (25, number < 3));
    }
    let beyond = conversation.history(&page(4, 10)).await;
    assert_eq!((numbers(&beyond), beyond.page.total, beyond.page.next), (vec![], 25, None));
}

/// By cursor, each message is seen once, while new ones are posted.
pub async fn cursors_meet_each_message_once_while_new_ones_arrive(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    count_to(&conversation, 25).await;
    let (mut met, mut window) = (vec![], Window::first(10));
    loop {
        let history = conversation.history(&window).await;
        met.extend(numbers(&history));
        conversation.send_text(&conversation.client, "100").await;
        let Some(cursor) = history.page.next else {
            break;
        };
        window = after(cursor, 10);
    }
    assert_eq!(met, (1..=25).rev().collect::<Vec<_>>());
}

/// A full last page has no next one.
pub async fn a_full_last_page_is_the_last(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    count_to(&conversation, 4).await;
    let first = conversation.history(&Window::first(2)).await.page;
    let last = conversation.history(&after(first.next.expect("two more"), 2)).await;
    assert_eq!((numbers(&last), last.page.total, last.page.next), (vec![2, 1], 4, None));
    assert_eq!(numbers(&conversation.history(&after(MessageCursor(at(2)), 2)).await), []);
}

/// A cursor is a position that outlives its message.
pub async fn a_cursor_outlives_its_message(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    count_to(&conversation, 6).await;
    let first = conversation.history(&Window::first(3)).await.page;
    conversation.delete(&first.items[2]).await;
    let rest = conversation.history(&after(first.next.expect("three more"), 3)).await;
    assert_eq!((numbers(&rest), rest.page.total), (vec![3, 2, 1], 5));
}

/// An unknown message is not found.
pub async fn an_unknown_message_is_not_found(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let unknown = MessageId::parse("nothing").expect("a good id");
    assert_eq!(store.message(&unknown, &conversation.salon).await.expect(ANSWERS), None);
}

// Deleting messages.

/// A deleted message is in no history, list or log; its position stays.
pub async fn a_deleted_message_is_nowhere(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let secret =
        conversation.send(&conversation.client, pictures("un secret", 2, None)).await.message;
    let event = conversation.delete(&secret).await.expect("its author may");

    assert_eq!((event.seq, &event.actor), (at(4), &conversation.client));
    assert_eq!(
        (&event.conversation, &event.parties),
        (&conversation.id, &conversation.state().await.parties)
    );
    assert_eq!(event.kind, EventKind::MessageDeleted(secret.id.clone()));
    for viewer in [&conversation.salon, &conversation.client] {
        assert_eq!(conversation.find(viewer, &secret).await, None);
        let last = conversation.view(viewer).await.last_message.expect("one is left");
        assert_eq!(last.content.as_str(), "Bonjour");
    }
    let waiting = fixture.unread_conversations(&conversation.salon, 10).await;
    assert_eq!(waiting[0].last_message.content.as_str(), "Bonjour");
    let history = conversation.history(&Window::first(50)).await;
    assert_eq!((conversation.texts().await, history.page.total), (vec!["Bonjour".to_owned()], 1));
    assert_eq!(history.last_seq, event.seq);
    let log = conversation.log().await;
    assert_eq!(log[2].kind, EventKind::MessageWithdrawn(secret.id.clone()));
    assert_eq!(
        (log[2].seq, log[2].at, &log[2].actor),
        (secret.seq, secret.created_at, &conversation.client)
    );
    assert_eq!(log[3], event);
}

/// Without its newest message a conversation is ordered by the newest remaining one.
pub async fn the_place_in_lists_falls_back_to_the_newest_message_left(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let first = conversation.send_text(&conversation.client, "1").await;
    let second = conversation.send_text(&conversation.salon, "2").await;
    let third = conversation.send_text(&conversation.client, "3").await;
    let updated_at = conversation.state().await.updated_at;

    for (deleted, left) in [(&second, third.created_at), (&third, first.created_at)] {
        conversation.delete(deleted).await;
        assert_eq!(conversation.state().await.last_message_at, left);
    }
    conversation.delete(&first).await;
    let view = conversation.view(&conversation.salon).await;
    assert_eq!(view.conversation.last_message_at, view.conversation.created_at);
    assert_eq!((view.last_message, view.conversation.updated_at), (None, updated_at));
}

/// Deleting an unread message lowers the unread count; deleting a read one does not.
pub async fn deleting_what_waits_lowers_unread(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let read = conversation.send_text(&conversation.client, "1").await;
    conversation.mark_read(&conversation.salon).await;
    let waiting = conversation.send_text(&conversation.client, "2").await;
    let last = conversation.send_text(&conversation.client, "3").await;
    for (message, unread) in [(&read, 2), (&waiting, 1), (&last, 0)] {
        conversation.delete(message).await;
        assert_eq!(conversation.view(&conversation.salon).await.unread, unread);
        assert_eq!(fixture.unread_total(&conversation.salon).await, unread);
    }
    assert_eq!(fixture.unread_conversations(&conversation.salon, 10).await, []);
}

/// Only its author deletes a message.
pub async fn only_its_author_deletes_a_message(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let elsewhere = fixture.conversation("s1", "c2").await;
    let message = conversation.send_text(&conversation.client, "Bonjour").await;
    for other in [&conversation.salon, &elsewhere.client, &user("nobody")] {
        assert_eq!(conversation.delete_as(other, &message).await, None);
    }
    assert_eq!(conversation.reload(&message).await, *message);
    assert_eq!(conversation.log().await.len(), 2);
}

/// A message is deleted once.
pub async fn deleting_twice_happens_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let message = conversation.send_text(&conversation.client, "Bonjour").await;
    assert!(conversation.delete(&message).await.is_some());
    assert_eq!(conversation.delete(&message).await, None);
    assert_eq!((conversation.state().await.last_seq, conversation.log().await.len()), (at(3), 3));
}
