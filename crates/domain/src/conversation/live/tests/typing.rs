//! Typing announcements, soon enough and not too often.

use proptest::{prelude::*, test_runner::TestCaseResult};

use crate::{conversation::live::*, testing::fixture::user};

const POLICY: TypingPolicy =
    TypingPolicy { lease_ms: 6_000, unrepeated_lease_ms: 60_000, pause_ms: 2_000 };

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn writer() -> Writer {
    writer_in("v1")
}

fn writer_in(conversation: &str) -> Writer {
    let conversation = ConversationId::parse(conversation).expect("a good id");
    Writer { conversation, user: user("c") }
}

fn announcement(session: u8, is_typing: bool) -> Announcement<u8> {
    Announcement { writer: writer(), session, is_typing }
}

#[test]
fn the_first_mark_is_announced_at_once_and_a_renewal_after_the_pause() {
    let mut typing = Typing::new(POLICY);
    assert_eq!(typing.start(&writer(), 1, ms(0)), Some(announcement(1, true)));
    assert_eq!(typing.start(&writer(), 1, ms(1_999)), None);
    assert_eq!(typing.start(&writer(), 1, ms(2_000)), Some(announcement(1, true)));
}

#[test]
fn a_client_that_sends_a_mark_once_types_for_a_minute() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    assert_eq!((typing.next_due(), typing.sweep(ms(59_999))), (Some(ms(60_000)), vec![]));
    assert_eq!(typing.sweep(ms(60_000)), [announcement(1, false)]);
    assert!(typing.is_empty());
}

#[test]
fn a_client_that_repeated_its_mark_has_the_short_lease_in_its_next_burst() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    typing.start(&writer(), 1, ms(3_000));
    typing.stop(&writer(), 1, ms(4_000));
    typing.start(&writer(), 1, ms(10_000));
    assert_eq!((typing.next_due(), typing.sweep(ms(15_999))), (Some(ms(16_000)), vec![]));
    assert_eq!(typing.sweep(ms(16_000)), [announcement(1, false)]);
    // Another session of the same person is another client.
    typing.start(&writer(), 2, ms(20_000));
    assert_eq!((typing.next_due(), typing.sweep(ms(79_999))), (Some(ms(80_000)), vec![]));
}

#[test]
fn a_mark_sent_twice_at_once_is_not_repeated() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    typing.start(&writer(), 1, ms(15));
    assert_eq!((typing.next_due(), typing.sweep(ms(2_000))), (Some(ms(60_015)), vec![]));
    typing.stop(&writer(), 1, ms(3_000));
    typing.start(&writer(), 1, ms(10_000));
    assert_eq!((typing.next_due(), typing.sweep(ms(69_999))), (Some(ms(70_000)), vec![]));
}

#[test]
fn a_client_that_sends_a_mark_at_every_keystroke_repeats_it() {
    let mut typing = Typing::new(POLICY);
    for keystroke in 0..=20 {
        typing.start(&writer(), 1, ms(100 * keystroke));
    }
    assert_eq!(typing.sweep(ms(7_999)), []);
    assert_eq!(typing.sweep(ms(8_000)), [announcement(1, false)]);
}

#[test]
fn a_client_that_sends_a_mark_once_in_its_next_burst_gets_a_minute_again() {
    for expires in [false, true] {
        let mut typing = Typing::new(POLICY);
        typing.start(&writer(), 1, ms(0));
        typing.start(&writer(), 1, ms(3_000));
        typing.stop(&writer(), 1, ms(4_000));
        // Sent once: still the short lease, but the next burst gets the long one.
        typing.start(&writer(), 1, ms(10_000));
        if expires {
            assert_eq!(typing.sweep(ms(16_000)), [announcement(1, false)]);
        } else {
            assert_eq!(typing.stop(&writer(), 1, ms(12_000)), Some(announcement(1, false)));
        }
        typing.start(&writer(), 1, ms(20_000));
        assert_eq!((typing.next_due(), typing.sweep(ms(79_999))), (Some(ms(80_000)), vec![]));
    }
}

#[test]
fn starting_again_after_an_end_repeats_nothing() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    typing.stop(&writer(), 1, ms(1_000));
    typing.start(&writer(), 1, ms(5_000));
    typing.end(&writer(), ms(6_000));
    typing.start(&writer(), 1, ms(10_000));
    // A mark of another session does not count as repeated by this one.
    typing.start(&writer(), 2, ms(11_000));
    typing.start(&writer(), 1, ms(15_000));
    assert_eq!((typing.next_due(), typing.sweep(ms(74_999))), (Some(ms(75_000)), vec![]));
}

#[test]
fn who_starts_again_when_the_minute_is_over_repeats_nothing_though_nobody_has_looked_yet() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    typing.start(&writer(), 1, ms(60_000));
    assert_eq!(typing.next_due(), Some(ms(120_000)));
}

#[test]
fn a_client_that_repeats_gets_the_short_lease_for_its_earlier_marks_too() {
    let mut typing = Typing::new(POLICY);
    let elsewhere = writer_in("v2");
    typing.start(&elsewhere, 1, ms(0));
    typing.start(&writer(), 1, ms(1_000));
    typing.start(&writer(), 1, ms(4_000));
    let ended = Announcement { writer: elsewhere, session: 1, is_typing: false };
    assert_eq!((typing.next_due(), typing.sweep(ms(6_000))), (Some(ms(6_000)), vec![ended]));
    assert_eq!(typing.sweep(ms(10_000)), [announcement(1, false)]);
}

#[test]
fn a_session_that_has_ended_leaves_nothing_behind() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    typing.start(&writer(), 1, ms(2_000));
    typing.stop(&writer(), 1, ms(3_000));
    assert_eq!(typing.repeating.len(), 1);
    typing.remove_session(1);
    typing.sweep(ms(10_000));
    assert!(typing.is_empty() && typing.repeating.is_empty());
}

#[test]
fn a_mark_that_is_renewed_ends_six_seconds_after_the_last_one() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    typing.start(&writer(), 1, ms(2_000));
    typing.start(&writer(), 1, ms(3_000));
    assert_eq!((typing.next_due(), typing.sweep(ms(8_999))), (Some(ms(9_000)), vec![]));
    assert_eq!(typing.sweep(ms(9_000)), [announcement(1, false)]);
    assert!(typing.is_empty());
}

#[test]
fn an_end_is_announced_once() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    assert_eq!(typing.stop(&writer(), 1, ms(100)), Some(announcement(1, false)));
    assert_eq!(typing.stop(&writer(), 1, ms(200)), None);
    assert_eq!(typing.end(&writer(), ms(300)), None);
    assert_eq!((typing.sweep(ms(2_000)), typing.len()), (vec![], 0));
}

#[test]
fn who_starts_again_at_once_is_announced_when_the_pause_is_over() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    typing.stop(&writer(), 1, ms(500));
    assert_eq!(typing.start(&writer(), 1, ms(600)), None);
    assert_eq!((typing.next_due(), typing.sweep(ms(1_999))), (Some(ms(2_000)), vec![]));
    assert_eq!(typing.sweep(ms(2_000)), [announcement(1, true)]);
}

#[test]
fn starting_again_and_stopping_within_the_pause_is_not_announced() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    typing.stop(&writer(), 1, ms(500));
    typing.start(&writer(), 1, ms(600));
    assert_eq!(typing.stop(&writer(), 1, ms(700)), None);
    assert_eq!((typing.sweep(ms(10_000)), typing.len()), (vec![], 0));
}

#[test]
fn only_the_session_that_types_can_stop_it() {
    let mut typing = Typing::new(POLICY);
    typing.start(&writer(), 1, ms(0));
    typing.start(&writer(), 2, ms(100));
    assert_eq!(typing.stop(&writer(), 1, ms(200)), None);
    assert_eq!(typing.end(&writer(), ms(300)), Some(announcement(2, false)));
}

#[derive(Clone, Debug)]
enum Step {
    Start(u8),
    Stop(u8),
    Send,
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        4 => (0_u8..2).prop_map(Step::Start),
        2 => (0_u8..2).prop_map(Step::Stop),
        1 => Just(Step::Send),
        2 => Just(Step::Wait),
    ];
    prop::collection::vec((0_u64..4_000, step), 1..80)
}

/// What one observer sees.
#[derive(Default)]
struct Observer {
    sees_typing: bool,
    last_announced_at: Option<u64>,
}

impl Observer {
    fn observe(&mut self, announcement: &Announcement<u8>, now: u64) -> TestCaseResult {
        if announcement.is_typing {
            let soon = self
                .last_announced_at
                .is_some_and(|last_announced_at| now < last_announced_at + POLICY.pause_ms);
            prop_assert!(!soon, "two announcements within the pause");
            self.last_announced_at = Some(now);
        } else {
            prop_assert!(self.sees_typing, "an end without a beginning");
        }
        self.sees_typing = announcement.is_typing;
        Ok(())
    }
}

/// Advances time to `end`, sweeping when something is due.
fn advance(typing: &mut Typing<u8>, observer: &mut Observer, end: u64) -> TestCaseResult {
    while let Some(due) = typing.next_due().filter(|due| *due <= ms(end)) {
        for announcement in typing.sweep(due) {
            observer.observe(&announcement, u64::try_from(due.as_millis()).expect("short"))?;
        }
        prop_assert!(typing.next_due() > Some(due) || typing.is_empty(), "a sweep leaves work");
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_observer_is_right_within_the_lease_and_never_notified_too_often(steps in steps()) {
        let (mut typing, mut observer, mut now) = (Typing::new(POLICY), Observer::default(), 0);
        let mut writes_until = 0;
        let (mut writing, mut repeating) = (None, [false; 2]);
        let (mut began, mut is_repeated) = (0, false);
        for (pause_ms, step) in steps {
            now += pause_ms;
            advance(&mut typing, &mut observer, now)?;
            let ends = match step {
                Step::Start(_) | Step::Wait => now >= writes_until,
                Step::Stop(session) => now >= writes_until || writing == Some(session),
                Step::Send => true,
            };
            if let Some(session) = writing.filter(|_| ends) {
                repeating[usize::from(session)] &= is_repeated;
                (writing, writes_until) = (None, now.min(writes_until));
            }
            let announcement = match step {
                Step::Start(session) => {
                    if writing != Some(session) {
                        (began, is_repeated) = (now, false);
                    }
                    is_repeated |= now >= began + POLICY.pause_ms;
                    repeating[usize::from(session)] |= is_repeated;
                    let repeats = repeating[usize::from(session)];
                    let lease =
                        if repeats { POLICY.lease_ms } else { POLICY.unrepeated_lease_ms };
                    (writing, writes_until) = (Some(session), now + lease);
                    typing.start(&writer(), session, ms(now))
                }
                Step::Stop(session) => typing.stop(&writer(), session, ms(now)),
                Step::Send => typing.end(&writer(), ms(now)),
                Step::Wait => None,
            };
            if let Some(announcement) = announcement {
                observer.observe(&announcement, now)?;
            }
            prop_assert!(!observer.sees_typing || now < writes_until, "believed for too long");
        }
        let end = now + POLICY.unrepeated_lease_ms + POLICY.pause_ms;
        advance(&mut typing, &mut observer, end)?;
        prop_assert!(!observer.sees_typing && typing.is_empty(), "something was left behind");
    }
}
