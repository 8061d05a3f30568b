//! Posting messages.

use futures_util::future::join_all;

use super::setup::{ANSWERS, Fixture, Talk, after, at, page, posted};
use crate::{
    conversation::{
        Status,
        event::EventKind,
        message::{Message, MessageKind},
        store::{History, PostOutcome},
    },
    ids::MessageId,
    page::{MessageCursor, Window},
    store::Store,
    testing::fixture::{client, keyed, pictures, text, user},
    text::Subject,
};

/// A message is what its author said, with its files in their order, at the next position.
pub async fn a_message_is_what_its_author_said(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let message = talk.send(&talk.client, pictures("", 5, None)).await.message;
    assert_eq!((message.content.as_str(), message.attachments.len()), ("", 5));
    assert_eq!(talk.reread(&message).await, *message);
}

/// A message is the newest of its conversation and moves its times.
pub async fn a_message_brings_its_conversation_up_to_date(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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

// Sending once: a sender's own key names one message.

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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let first = talk.send(&talk.client, keyed("Bonjour", "k1")).await.message;
    let read = talk.read(&talk.salon).await.event.expect("something was read");

    let again = replayed(talk.try_send(&talk.client, keyed("Bonjour", "k1")).await);
    assert_eq!((again.is_read, again.read_at), (true, Some(read.at)));
    assert_eq!((&again.id, again.seq, again.created_at), (&first.id, first.seq, first.created_at));
}

/// A replay neither takes an archived conversation out nor moves a horizon.
pub async fn a_replay_changes_nothing_around_it(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let one = talk.send(&talk.client, keyed("Bonjour", "k1")).await.message;
    let other = talk.send(&talk.salon, keyed("Oui ?", "k1")).await.message;
    assert_eq!(replayed(talk.try_send(&talk.client, keyed("Bonjour", "k1")).await), *one);
    assert_eq!(replayed(talk.try_send(&talk.salon, keyed("Oui ?", "k1")).await), *other);
}

/// A key is its conversation's: the same sender may use it again elsewhere.
pub async fn a_key_is_free_in_another_conversation(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (here, there) = (fixture.talk("s1", "c1").await, fixture.talk("s1", "c1").await);
    let one = here.send(&here.client, keyed("Bonjour", "k1")).await.message;
    let other = there.send(&there.client, keyed("Bonjour", "k1")).await.message;
    assert_ne!(one.id, other.id);
    assert_eq!(replayed(here.try_send(&here.client, keyed("Bonjour", "k1")).await), *one);
    assert_eq!(replayed(there.try_send(&there.client, keyed("Bonjour", "k1")).await), *other);
}

/// Keys that differ in case differ.
pub async fn keys_are_told_apart_by_case(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.send(&talk.client, keyed("Bonjour", "key")).await;
    talk.send(&talk.client, keyed("Bonsoir", "KEY")).await;
    assert_eq!(talk.words().await, ["Bonjour", "Bonsoir"]);
}

/// Without a key, the same words are another message.
pub async fn without_a_key_every_message_is_new(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let (one, other) =
        (talk.send(&talk.client, text("?")).await, talk.send(&talk.client, text("?")).await);
    assert_ne!(one.message.id, other.message.id);
    assert_eq!(talk.words().await, ["?", "?"]);
}

/// Of ten sends under one key at the same moment, one posts and nine bring its message.
pub async fn of_ten_sends_at_once_one_posts(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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

// Reading messages, page by page.

/// Says "1", "2" … in turns, client first.
async fn count_to(talk: &Talk<'_>, last: u32) {
    for number in 1..=last {
        let author = if number % 2 == 1 { &talk.client } else { &talk.salon };
        talk.say(author, &number.to_string()).await;
    }
}

fn numbers(history: &History) -> Vec<u32> {
    let number = |words: &str| words.parse().expect("only numbers are said here");
    history.page.items.iter().map(|message| number(message.content.as_str())).collect()
}

/// Newest first, with the newest position and the number of all messages.
pub async fn history_is_newest_first(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    count_to(&talk, 3).await;
    let read = talk.read(&talk.salon).await.event.expect("something was read");

    let history = talk.history(&Window::first(50)).await;
    assert_eq!(numbers(&history), [3, 2, 1]);
    assert_eq!((history.page.total, history.page.next), (3, None));
    assert_eq!((&history.parties.salon, &history.parties.client), (&talk.salon, &talk.client));
    assert_eq!((history.last_seq, history.page.items[0].seq), (read.seq, at(4)));
    assert_eq!(talk.try_history(&talk.client, &Window::first(50)).await, Some(history));
}

/// Nothing said yet is an empty page, and not nothing.
pub async fn the_history_of_an_empty_conversation_is_an_empty_page(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let history = talk.history(&Window::first(50)).await;
    assert_eq!((history.page.items.len(), history.page.total, history.page.next), (0, 0, None));
    assert_eq!(history.last_seq, at(1));
}

/// Messages in a page are whole: files, authors, read or not.
pub async fn a_page_shows_messages_as_they_are_alone(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.send(&talk.client, pictures("Bras", 3, None)).await;
    talk.read(&talk.salon).await;
    talk.send(&talk.salon, pictures("", 2, None)).await;
    talk.say(&talk.client, "Merci").await;
    for message in talk.history(&Window::first(50)).await.page.items {
        assert_eq!(talk.find(&talk.client, &message).await, Some(message));
    }
}

/// By number, each message is on one page.
pub async fn numbered_pages_hold_each_message_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    count_to(&talk, 25).await;
    for (number, first, last) in [(1, 25, 16), (2, 15, 6), (3, 5, 1)] {
        let history = talk.history(&page(number, 10)).await;
        assert_eq!(numbers(&history), (last..=first).rev().collect::<Vec<_>>());
        assert_eq!((history.page.total, history.page.next.is_some()), (25, number < 3));
    }
    let beyond = talk.history(&page(4, 10)).await;
    assert_eq!((numbers(&beyond), beyond.page.total, beyond.page.next), (vec![], 25, None));
}

/// By cursor, each message is met once, while people go on talking.
pub async fn cursors_meet_each_message_once_while_new_ones_arrive(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    count_to(&talk, 25).await;
    let (mut met, mut window) = (vec![], Window::first(10));
    loop {
        let history = talk.history(&window).await;
        met.extend(numbers(&history));
        talk.say(&talk.client, "100").await;
        let Some(cursor) = history.page.next else {
            break;
        };
        window = after(cursor, 10);
    }
    assert_eq!(met, (1..=25).rev().collect::<Vec<_>>());
}

/// The last page that is full has nothing behind it.
pub async fn a_full_last_page_is_the_last(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    count_to(&talk, 4).await;
    let first = talk.history(&Window::first(2)).await.page;
    let last = talk.history(&after(first.next.expect("two more"), 2)).await;
    assert_eq!((numbers(&last), last.page.total, last.page.next), (vec![2, 1], 4, None));
    assert_eq!(numbers(&talk.history(&after(MessageCursor(at(2)), 2)).await), []);
}

/// A cursor names a place, which stays when its message goes.
pub async fn a_cursor_outlives_its_message(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    count_to(&talk, 6).await;
    let first = talk.history(&Window::first(3)).await.page;
    talk.delete(&first.items[2]).await;
    let rest = talk.history(&after(first.next.expect("three more"), 3)).await;
    assert_eq!((numbers(&rest), rest.page.total), (vec![3, 2, 1], 5));
}

/// A message that is not there is not found.
pub async fn an_unknown_message_is_not_found(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let unknown = MessageId::parse("nothing").expect("a good id");
    assert_eq!(store.message(&unknown, &talk.salon).await.expect(ANSWERS), None);
}

// Deleting messages.

/// A deleted message is in no history, no list and no log; that there was one stays known.
pub async fn a_deleted_message_is_nowhere(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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
    let waiting = fixture.unread_conversations(&talk.salon, 10).await;
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
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
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let read = talk.say(&talk.client, "1").await;
    talk.read(&talk.salon).await;
    let waiting = talk.say(&talk.client, "2").await;
    let last = talk.say(&talk.client, "3").await;
    for (message, unread) in [(&read, 2), (&waiting, 1), (&last, 0)] {
        talk.delete(message).await;
        assert_eq!(talk.view(&talk.salon).await.unread, unread);
        assert_eq!(fixture.unread_total(&talk.salon).await, unread);
    }
    assert_eq!(fixture.unread_conversations(&talk.salon, 10).await, []);
}

/// Nobody deletes what somebody else said.
pub async fn only_its_author_deletes_a_message(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let elsewhere = fixture.talk("s1", "c2").await;
    let message = talk.say(&talk.client, "Bonjour").await;
    for other in [&talk.salon, &elsewhere.client, &user("nobody")] {
        assert_eq!(talk.delete_as(other, &message).await, None);
    }
    assert_eq!(talk.reread(&message).await, *message);
    assert_eq!(talk.log().await.len(), 2);
}

/// A message is deleted once.
pub async fn deleting_twice_happens_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let message = talk.say(&talk.client, "Bonjour").await;
    assert!(talk.delete(&message).await.is_some());
    assert_eq!(talk.delete(&message).await, None);
    assert_eq!((talk.state().await.last_seq, talk.log().await.len()), (at(3), 3));
}
