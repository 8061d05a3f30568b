//! Reading messages, page by page.

use super::{
    stage::{ANSWERS, Stage, after, at, page},
    talk::Talk,
};
use crate::{
    id::MessageId,
    page::{MessageCursor, Window},
    ports::{History, Store},
    testing::fixture::pictures,
};

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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let history = talk.history(&Window::first(50)).await;
    assert_eq!((history.page.items.len(), history.page.total, history.page.next), (0, 0, None));
    assert_eq!(history.last_seq, at(1));
}

/// Messages in a page are whole: files, authors, read or not.
pub async fn a_page_shows_messages_as_they_are_alone(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    count_to(&talk, 4).await;
    let first = talk.history(&Window::first(2)).await.page;
    let last = talk.history(&after(first.next.expect("two more"), 2)).await;
    assert_eq!((numbers(&last), last.page.total, last.page.next), (vec![2, 1], 4, None));
    assert_eq!(numbers(&talk.history(&after(MessageCursor(at(2)), 2)).await), []);
}

/// A cursor names a place, which stays when its message goes.
pub async fn a_cursor_outlives_its_message(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    count_to(&talk, 6).await;
    let first = talk.history(&Window::first(3)).await.page;
    talk.delete(&first.items[2]).await;
    let rest = talk.history(&after(first.next.expect("three more"), 3)).await;
    assert_eq!((numbers(&rest), rest.page.total), (vec![3, 2, 1], 5));
}

/// A message that is not there is not found.
pub async fn an_unknown_message_is_not_found(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let unknown = MessageId::parse("nothing").expect("a good id");
    assert_eq!(store.message(&unknown, &talk.salon).await.expect(ANSWERS), None);
}
