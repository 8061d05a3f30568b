//! The states of a room, without sessions.

use serde_json::value::to_raw_value;

use super::*;

const ANNA: SessionKey = SessionKey(1);
const BEN: SessionKey = SessionKey(2);

fn seq(number: i64) -> Seq {
    Seq::new(number).expect("not negative")
}

fn room() -> Room {
    Room::new(RoomId(1))
}

/// A room whose only member, Anna, was sent everything up to `since`.
fn room_as_of(since: i64) -> Room {
    let mut room = room();
    assert!(!room.admit(member(ANNA, since)));
    room
}

fn member(session: SessionKey, since: i64) -> Member {
    Member { session, visible: true, since: seq(since), messages_only_to: seq(since) }
}

/// Publishes a message at each position from `first` to `last` as one batch.
fn publish(room: &mut Room, first: i64, last: i64) -> BatchOrder {
    let (order, _) = room.batch_order(seq(first), seq(last));
    if order != BatchOrder::Gap {
        for number in first..=last {
            room.collect(seq(number), &event(number));
        }
    }
    order
}

/// The event at a position is named by it.
fn event(number: i64) -> OutgoingEvent {
    OutgoingEvent::new("new-message", to_raw_value(&number).expect("a number"), None)
}

fn numbers(events: &[OutgoingEvent]) -> Vec<i64> {
    events.iter().map(|event| event.data().get().parse().expect("a number")).collect()
}

/// Ends the join of a session that has read everything up to `since`: the positions that it is sent
/// then, and whether the log has to be read.
fn complete(room: &mut Room, key: JoinKey, since: i64) -> (Vec<i64>, bool) {
    let pending = room.take_pending(key).expect("it is joining");
    let (session, split) = (pending.session, pending.split(seq(since), false));
    let missed = room.admit(member(session, split.reached.get()));
    (numbers(&split.behind), missed)
}

fn progress(delivered: i64, known: i64) -> Progress {
    Progress { delivered_seq: seq(delivered), known_seq: seq(known) }
}

#[test]
fn what_follows_is_delivered_once_and_a_gap_is_noticed() {
    let mut room = room_as_of(4);
    assert_eq!(publish(&mut room, 5, 6), BatchOrder::Next);
    assert_eq!(publish(&mut room, 6, 6), BatchOrder::Duplicate);
    assert_eq!(publish(&mut room, 8, 8), BatchOrder::Gap);
    assert_eq!(room.progress(), Some(progress(6, 8)));
}

#[test]
fn one_repairs_at_a_time_and_only_what_follows_directly_is_delivered_meanwhile() {
    let mut room = room_as_of(4);
    assert_eq!(publish(&mut room, 6, 6), BatchOrder::Gap);
    assert!(room.start_repair());
    assert!(!room.start_repair());
    assert_eq!(publish(&mut room, 7, 7), BatchOrder::Gap);
    assert_eq!(publish(&mut room, 5, 5), BatchOrder::Next);
    assert_eq!(room.take_repaired(seq(5)), None, "it was delivered meanwhile");
    assert_eq!(room.take_repaired(seq(6)).map(|sent| sent.room), Some(seq(5)));
    assert!(!room.end_repair(), "7 is known");
    assert!(room.take_repaired(seq(7)).is_some());
    assert!(room.end_repair());
    assert_eq!(publish(&mut room, 8, 8), BatchOrder::Next);
}

#[test]
fn a_repair_goes_on_when_something_became_known_since_its_last_read() {
    let mut room = room_as_of(4);
    publish(&mut room, 6, 6);
    assert!(room.start_repair());
    let before = room.progress().expect("known");
    publish(&mut room, 7, 7);
    room.found_nothing(before);
    assert!(!room.end_repair());
    room.found_nothing(room.progress().expect("known"));
    assert!(room.end_repair());
}

#[test]
fn a_room_that_nobody_has_joined_collects_and_its_first_member_says_how_far_it_is() {
    let mut room = room();
    room.begin_join(JoinKey(1), ANNA, true);
    assert_eq!(room.progress(), None);
    assert_eq!(publish(&mut room, 5, 5), BatchOrder::NoMembers);
    assert_eq!(publish(&mut room, 6, 7), BatchOrder::NoMembers);
    // It read after 5 was committed.
    assert_eq!(complete(&mut room, JoinKey(1), 5), (vec![6, 7], false));
    assert_eq!(room.progress(), Some(progress(7, 7)));
}

#[test]
fn what_is_behind_a_gap_is_left_to_the_log() {
    let mut room = room();
    room.begin_join(JoinKey(1), ANNA, true);
    publish(&mut room, 6, 6);
    publish(&mut room, 8, 8);
    assert_eq!(complete(&mut room, JoinKey(1), 5), (vec![6], true));
    assert_eq!(room.progress(), Some(progress(6, 8)));
}

#[test]
fn members_that_have_less_than_who_joins_are_sent_the_rest_from_the_log() {
    let mut room = room_as_of(4);
    room.begin_join(JoinKey(1), BEN, true);
    assert_eq!(complete(&mut room, JoinKey(1), 6), (vec![], true));
    let sent = room.take_repaired(seq(5)).expect("not delivered yet");
    assert_eq!(room.recipients(seq(5), sent).collect::<Vec<_>>(), [ANNA]);
}

#[test]
fn who_joins_with_less_than_the_members_alone_is_sent_the_rest_from_the_log() {
    let mut room = room();
    room.begin_join(JoinKey(1), ANNA, true);
    room.begin_join(JoinKey(2), BEN, true);
    // 6 was committed between their reads and never published.
    assert_eq!(complete(&mut room, JoinKey(1), 6), (vec![], false));
    publish(&mut room, 7, 7);
    assert_eq!(complete(&mut room, JoinKey(2), 5), (vec![], true));
    assert_eq!(room.progress(), Some(progress(5, 7)));
    for number in [6, 7] {
        let sent = room.take_repaired(seq(number)).expect("not delivered yet");
        assert_eq!(room.recipients(seq(number), sent).collect::<Vec<_>>(), [BEN], "{number}");
    }
    assert_eq!(room.take_repaired(seq(8)), None, "it is about to be published");
    let (order, sent) = room.batch_order(seq(8), seq(8));
    assert_eq!(order, BatchOrder::Next);
    assert_eq!(room.recipients(seq(8), sent).collect::<Vec<_>>(), [ANNA, BEN]);
}

#[test]
fn what_a_repair_read_before_the_room_was_set_back_is_not_delivered() {
    let mut room = room_as_of(6);
    publish(&mut room, 8, 8);
    let before = room.progress().expect("known");
    room.admit(member(BEN, 4));
    assert!(!room.continues(before));
    assert!(room.continues(room.progress().expect("known")));
}

#[test]
fn too_much_is_not_collected_but_read_from_the_log() {
    let mut room = room();
    room.begin_join(JoinKey(1), ANNA, true);
    publish(&mut room, 6, 261);
    assert!(room.take_overflowed().is_empty(), "256 positions");
    publish(&mut room, 262, 262);
    assert_eq!(room.take_overflowed().len(), 1);
    assert!(room.take_overflowed().is_empty(), "once");
    publish(&mut room, 263, 263);
    assert_eq!(complete(&mut room, JoinKey(1), 5), (vec![], true));
    assert_eq!(room.progress(), Some(progress(5, 263)));
}

#[test]
fn a_member_that_joins_again_is_sent_nothing_meanwhile_and_keeps_its_place_if_it_gives_up() {
    let mut room = room_as_of(4);
    publish(&mut room, 5, 5);
    room.begin_join(JoinKey(1), ANNA, true);
    publish(&mut room, 5, 6);
    let sent = Sent { room: seq(5), ..Sent::default() };
    assert_eq!(room.recipients(seq(6), sent).count(), 0);
    assert_eq!(room.route(ANNA, seq(6), sent), Route::Collect);
    let released = room.take_pending(JoinKey(1)).expect("it is joining").release(true);
    assert_eq!((released.elsewhere.len(), numbers(&released.as_member)), (0, vec![6]));
    assert_eq!(room.recipients(seq(7), room.sent()).collect::<Vec<_>>(), [ANNA]);
}

#[test]
fn an_event_for_people_goes_to_each_of_their_sessions_once() {
    let mut room = room_as_of(4);
    room.admit(Member { messages_only_to: Seq::ZERO, ..member(BEN, 6) });
    room.admit(member(ANNA, 6));
    let elsewhere = SessionKey(3);
    let routes = |room: &Room, number, sent| {
        [ANNA, BEN, elsewhere].map(|session| room.route(session, seq(number), sent))
    };
    // Anna began with a history, Ben with the log.
    let (order, sent) = room.batch_order(seq(5), seq(5));
    assert_eq!(order, BatchOrder::Next);
    let once = [Route::SendElsewhere, Route::Skip, Route::Send];
    assert_eq!(routes(&room, 5, sent), once);
    let (order, sent) = room.batch_order(seq(5), seq(5));
    assert_eq!((order, routes(&room, 5, sent)), (BatchOrder::Duplicate, [Route::Skip; 3]));
    let sent = room.take_repaired(seq(6)).expect("not delivered yet");
    assert_eq!(routes(&room, 6, sent), once);
    let (_, sent) = room.batch_order(seq(7), seq(7));
    assert!(room.is_sent_to_all(seq(7), sent));
}

#[test]
fn what_the_first_member_had_read_goes_to_people_when_it_is_published_and_not_from_the_log() {
    let mut room = room_as_of(4);
    room.admit(member(BEN, 3));
    let elsewhere = SessionKey(3);
    let sent = room.take_repaired(seq(4)).expect("not delivered to all");
    let routes = [ANNA, BEN, elsewhere].map(|session| room.route(session, seq(4), sent));
    assert_eq!(routes, [Route::Skip, Route::Send, Route::Skip]);
    let (order, sent) = room.batch_order(seq(4), seq(4));
    let routes = [ANNA, BEN, elsewhere].map(|session| room.route(session, seq(4), sent));
    let once = [Route::SendElsewhere, Route::Skip, Route::Send];
    assert_eq!((order, routes), (BatchOrder::Duplicate, once));
}

#[test]
fn a_room_is_empty_when_nobody_is_in_it_or_joins_it() {
    let mut room = room();
    room.begin_join(JoinKey(1), ANNA, true);
    assert!(!room.is_empty());
    room.take_pending(JoinKey(1)).expect("it is joining");
    assert!(room.is_empty());
}
