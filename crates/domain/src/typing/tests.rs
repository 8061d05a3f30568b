//! Others hear who writes, soon enough and not too often.

use proptest::{prelude::*, test_runner::TestCaseResult};

use super::*;
use crate::testing::fixture::user;

const TERMS: TypingTerms = TypingTerms { lease_ms: 6_000, pause_ms: 2_000 };

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn writer() -> Writer {
    let conversation = ConversationId::parse("v1").expect("a good id");
    Writer { conversation, user: user("c") }
}

fn says(session: u8, writes: bool) -> Announcement<u8> {
    Announcement { writer: writer(), session, writes }
}

#[test]
fn the_first_word_is_told_at_once_and_a_renewal_after_the_pause() {
    let mut typing = Typing::new(TERMS);
    assert_eq!(typing.start(&writer(), 1, ms(0)), Some(says(1, true)));
    assert_eq!(typing.start(&writer(), 1, ms(1_999)), None);
    assert_eq!(typing.start(&writer(), 1, ms(2_000)), Some(says(1, true)));
}

#[test]
fn a_mark_that_is_not_renewed_ends_by_itself() {
    let mut typing = Typing::new(TERMS);
    typing.start(&writer(), 1, ms(0));
    typing.start(&writer(), 1, ms(1_000));
    assert_eq!((typing.next_due(), typing.sweep(ms(6_999))), (Some(ms(7_000)), vec![]));
    assert_eq!(typing.sweep(ms(7_000)), [says(1, false)]);
    assert!(typing.is_empty());
}

#[test]
fn an_end_is_told_once() {
    let mut typing = Typing::new(TERMS);
    typing.start(&writer(), 1, ms(0));
    assert_eq!(typing.stop(&writer(), 1, ms(100)), Some(says(1, false)));
    assert_eq!(typing.stop(&writer(), 1, ms(200)), None);
    assert_eq!(typing.end(&writer(), ms(300)), None);
    assert_eq!((typing.sweep(ms(2_000)), typing.len()), (vec![], 0));
}

#[test]
fn who_starts_again_at_once_is_announced_when_the_pause_is_over() {
    let mut typing = Typing::new(TERMS);
    typing.start(&writer(), 1, ms(0));
    typing.stop(&writer(), 1, ms(500));
    assert_eq!(typing.start(&writer(), 1, ms(600)), None);
    assert_eq!((typing.next_due(), typing.sweep(ms(1_999))), (Some(ms(2_000)), vec![]));
    assert_eq!(typing.sweep(ms(2_000)), [says(1, true)]);
}

#[test]
fn who_started_again_and_stopped_within_the_pause_is_not_spoken_of() {
    let mut typing = Typing::new(TERMS);
    typing.start(&writer(), 1, ms(0));
    typing.stop(&writer(), 1, ms(500));
    typing.start(&writer(), 1, ms(600));
    assert_eq!(typing.stop(&writer(), 1, ms(700)), None);
    assert_eq!((typing.sweep(ms(10_000)), typing.len()), (vec![], 0));
}

#[test]
fn only_the_session_that_writes_can_say_that_it_stopped() {
    let mut typing = Typing::new(TERMS);
    typing.start(&writer(), 1, ms(0));
    typing.start(&writer(), 2, ms(100));
    assert_eq!(typing.stop(&writer(), 1, ms(200)), None);
    assert_eq!(typing.end(&writer(), ms(300)), Some(says(2, false)));
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

/// What one observer makes of it.
#[derive(Default)]
struct Observer {
    believes: bool,
    told_at: Option<u64>,
}

impl Observer {
    fn hear(&mut self, said: &Announcement<u8>, now: u64) -> TestCaseResult {
        if said.writes {
            let soon = self.told_at.is_some_and(|told_at| now < told_at + TERMS.pause_ms);
            prop_assert!(!soon, "two announcements within the pause");
            self.told_at = Some(now);
        } else {
            prop_assert!(self.believes, "an end without a beginning");
        }
        self.believes = said.writes;
        Ok(())
    }
}

/// Lets the time until `end` pass, sweeping when something is due.
fn pass(typing: &mut Typing<u8>, observer: &mut Observer, end: u64) -> TestCaseResult {
    while let Some(due) = typing.next_due().filter(|due| *due <= ms(end)) {
        for said in typing.sweep(due) {
            observer.hear(&said, u64::try_from(due.as_millis()).expect("short"))?;
        }
        prop_assert!(typing.next_due() > Some(due) || typing.is_empty(), "a sweep leaves work");
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_observer_is_right_within_the_lease_and_never_told_too_often(steps in steps()) {
        let (mut typing, mut observer, mut now) = (Typing::new(TERMS), Observer::default(), 0);
        let mut writes_until = 0;
        for (pause_ms, step) in steps {
            now += pause_ms;
            pass(&mut typing, &mut observer, now)?;
            let said = match step {
                Step::Start(session) => {
                    writes_until = now + TERMS.lease_ms;
                    typing.start(&writer(), session, ms(now))
                }
                Step::Stop(session) => typing.stop(&writer(), session, ms(now)),
                Step::Send => {
                    writes_until = now;
                    typing.end(&writer(), ms(now))
                }
                Step::Wait => None,
            };
            if let Some(said) = said {
                observer.hear(&said, now)?;
            }
            prop_assert!(!observer.believes || now < writes_until, "believed for too long");
        }
        pass(&mut typing, &mut observer, now + TERMS.lease_ms + TERMS.pause_ms)?;
        prop_assert!(!observer.believes && typing.is_empty(), "something was left behind");
    }
}
