//! The bounds of a mailbox, and the order in it.

use super::*;

const ONE: Key = Key(1);
const TWO: Key = Key(2);

fn frame(text: &str) -> Frame {
    Frame::of_text("/".into(), text.into(), Vec::new())
}

fn connected(max_messages: usize, max_bytes: usize) -> Mailbox {
    let mut mailbox = Mailbox::new(max_messages, max_bytes);
    mailbox.add_socket(ONE, "/".into());
    assert_eq!(mailbox.accept(ONE, Vec::new(), frame("")), Ok(true));
    mailbox.pop().expect("the answer");
    mailbox
}

fn texts(mailbox: &mut Mailbox) -> Vec<String> {
    std::iter::from_fn(|| mailbox.pop())
        .map(|outgoing| outgoing.frame.into_parts().0.to_string())
        .collect()
}

#[test]
fn what_a_socket_says_too_early_follows_the_answer_to_its_connect() {
    let mut mailbox = Mailbox::new(8, 100);
    mailbox.add_socket(ONE, "/".into());
    mailbox.add_socket(TWO, "/two".into());
    assert_eq!(mailbox.post(ONE, frame("early"), Delivery::Durable), Ok(()));
    assert_eq!(mailbox.post(TWO, frame("other"), Delivery::Durable), Ok(()));
    assert!(mailbox.pop().is_none());
    assert_eq!(mailbox.accept(ONE, Vec::new(), frame("answer")), Ok(true));
    assert_eq!(texts(&mut mailbox), ["answer", "early"]);
}

#[test]
fn a_replay_goes_first_and_needs_no_room() {
    let mut mailbox = Mailbox::new(2, 100);
    mailbox.add_socket(ONE, "/".into());
    assert_eq!(mailbox.post(ONE, frame("early"), Delivery::Durable), Ok(()));
    let replay = ["1", "2", "3"].map(frame).to_vec();
    assert_eq!(mailbox.accept(ONE, replay, frame("answer")), Ok(true));
    assert_eq!(mailbox.bytes(), 3 + 6 + 5);
    assert_eq!(texts(&mut mailbox), ["1", "2", "3", "answer", "early"]);
    assert_eq!(mailbox.bytes(), 0);
}

#[test]
fn a_durable_frame_beyond_either_bound_is_refused() {
    let mut few = connected(2, 100);
    assert_eq!(few.post(ONE, frame("a"), Delivery::Durable), Ok(()));
    assert_eq!(few.post(ONE, frame("b"), Delivery::Durable), Ok(()));
    assert_eq!(few.post(ONE, frame("c"), Delivery::Durable), Err(PostError::Full));

    let mut small = connected(9, 4);
    assert_eq!(small.post(ONE, frame("abc"), Delivery::Durable), Ok(()));
    assert_eq!(small.post(ONE, frame("de"), Delivery::Durable), Err(PostError::Full));
    assert_eq!(small.post(ONE, frame("d"), Delivery::Durable), Ok(()));
}

#[test]
fn one_frame_always_fits_however_large() {
    let mut mailbox = connected(1, 1);
    assert_eq!(mailbox.post(ONE, frame("large"), Delivery::Durable), Ok(()));
}

#[test]
fn what_answers_an_event_is_no_backlog_and_holds_the_next_event_up() {
    let mut mailbox = connected(2, 100);
    assert!(mailbox.has_answer_room());
    assert_eq!(mailbox.post(ONE, frame(&"x".repeat(99)), Delivery::Answer), Ok(()));
    assert!(mailbox.has_answer_room(), "there is room for one more answer");
    assert_eq!(mailbox.post(ONE, frame(&"x".repeat(300)), Delivery::Answer), Ok(()));
    assert!(!mailbox.has_answer_room());
    for text in ["a", "b"] {
        assert_eq!(mailbox.post(ONE, frame(text), Delivery::Durable), Ok(()), "room as ever");
    }
    assert_eq!(mailbox.post(ONE, frame("c"), Delivery::Durable), Err(PostError::Full));
    mailbox.pop().expect("the first answer");
    assert!(!mailbox.has_answer_room(), "the long one waits");
    mailbox.pop().expect("the second answer");
    assert!(mailbox.has_answer_room());
    assert_eq!((mailbox.messages(), mailbox.bytes()), (2, 2));
}

#[test]
fn a_replay_leaves_the_room_for_what_comes_after_it() {
    let mut mailbox = Mailbox::new(2, 100);
    mailbox.add_socket(ONE, "/".into());
    let replay = ["1", "2", "3"].map(frame).to_vec();
    assert_eq!(mailbox.accept(ONE, replay, frame("answer")), Ok(true));
    assert_eq!(mailbox.post(ONE, frame("new"), Delivery::Durable), Ok(()));
}

#[test]
fn a_volatile_frame_is_dropped_once_the_mailbox_is_half_full() {
    let mut mailbox = connected(4, 100);
    for _ in 0..2 {
        assert_eq!(mailbox.post(ONE, frame("a"), Delivery::Volatile), Ok(()));
    }
    let third = mailbox.post(ONE, frame("a"), Delivery::Volatile);
    assert_eq!(third, Err(PostError::Dropped));
    assert_eq!(mailbox.post(ONE, frame("a"), Delivery::Durable), Ok(()));
}

#[test]
fn sending_makes_room_again() {
    let mut mailbox = connected(1, 3);
    assert_eq!(mailbox.post(ONE, frame("abc"), Delivery::Durable), Ok(()));
    mailbox.pop().expect("a frame");
    assert_eq!((mailbox.messages(), mailbox.bytes()), (0, 0));
    assert_eq!(mailbox.post(ONE, frame("abc"), Delivery::Durable), Ok(()));
}

#[test]
fn a_disconnected_socket_sends_a_disconnect_and_nothing_after_it() {
    let mut mailbox = connected(4, 100);
    assert_eq!(mailbox.post(ONE, frame("last"), Delivery::Durable), Ok(()));
    assert!(mailbox.disconnect(ONE));
    let late = mailbox.post(ONE, frame("late"), Delivery::Durable);
    assert_eq!(late, Err(PostError::Closed));
    assert!(!mailbox.disconnect(ONE));
    assert_eq!(texts(&mut mailbox), ["last", "41"]);
}

#[test]
fn a_socket_disconnected_before_its_answer_leaves_right_after_it() {
    let mut mailbox = Mailbox::new(4, 100);
    mailbox.add_socket(ONE, "/ns".into());
    assert!(!mailbox.disconnect(ONE));
    assert_eq!(mailbox.accept(ONE, Vec::new(), frame("answer")), Ok(false));
    assert_eq!(texts(&mut mailbox), ["answer", "41/ns,"]);
}

#[test]
fn a_removed_socket_takes_its_deferred_frames_with_it() {
    let mut mailbox = Mailbox::new(4, 100);
    mailbox.add_socket(ONE, "/".into());
    assert_eq!(mailbox.post(ONE, frame("early"), Delivery::Durable), Ok(()));
    mailbox.remove(ONE);
    assert_eq!((mailbox.messages(), mailbox.bytes()), (0, 0));
}

#[test]
fn only_connected_sockets_get_a_disconnect_when_all_are_disconnected() {
    let mut mailbox = connected(4, 100);
    mailbox.add_socket(TWO, "/two".into());
    mailbox.disconnect_all();
    mailbox.close();
    assert_eq!(texts(&mut mailbox), ["41"]);
    assert_eq!(mailbox.post_control(frame("x")), Err(PostError::Closed));
}
