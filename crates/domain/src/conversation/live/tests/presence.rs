//! Presence, compared with a simple model.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::{conversation::live::*, testing::fixture::user};

const POLICY: PresencePolicy = PresencePolicy { lease_ms: 30_000, grace_ms: 5_000 };

fn presence() -> Presence<u8> {
    Presence::new(POLICY)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_person_comes_online_with_the_first_session_only() {
    let mut presence = presence();
    assert!(presence.renew(&user("c"), 1, ms(0)));
    assert!(!presence.renew(&user("c"), 2, ms(10)));
    assert!(!presence.renew(&user("c"), 1, ms(20)));
    assert!(presence.is_online(&user("c")));
    assert!(!presence.is_online(&user("s")));
}

#[test]
fn a_person_goes_offline_with_the_last_session_after_the_grace() {
    let mut presence = presence();
    presence.renew(&user("c"), 1, ms(0));
    presence.renew(&user("c"), 2, ms(0));
    presence.release(&user("c"), 1, ms(100));
    assert_eq!(presence.next_expiry(), Some(ms(30_000)));
    presence.release(&user("c"), 2, ms(200));
    assert_eq!(presence.next_expiry(), Some(ms(5_200)));
    assert_eq!(presence.sweep(ms(5_199)), []);
    assert_eq!(presence.sweep(ms(5_200)), [user("c")]);
    assert_eq!((presence.next_expiry(), presence.sweep(ms(90_000))), (None, vec![]));
}

#[test]
fn a_page_that_loads_again_does_not_flicker() {
    let mut presence = presence();
    presence.renew(&user("c"), 1, ms(0));
    presence.release(&user("c"), 1, ms(1_000));
    assert!(!presence.renew(&user("c"), 2, ms(3_000)), "they never left");
    assert_eq!(presence.sweep(ms(10_000)), []);
}

#[test]
fn a_session_that_gives_no_sign_of_life_is_gone_when_its_lease_is() {
    let mut presence = presence();
    presence.renew(&user("c"), 1, ms(0));
    presence.renew(&user("c"), 1, ms(10_000));
    assert_eq!(presence.sweep(ms(39_999)), []);
    assert_eq!(presence.sweep(ms(40_000)), [user("c")]);
    assert!(presence.renew(&user("c"), 1, ms(41_000)), "a late sign of life brings them back");
}

#[test]
fn a_session_that_ends_twice_does_not_prolong_the_grace() {
    let mut presence = presence();
    presence.renew(&user("c"), 1, ms(0));
    presence.release(&user("c"), 1, ms(0));
    presence.release(&user("c"), 1, ms(4_000));
    assert_eq!(presence.next_expiry(), Some(ms(5_000)));
}

#[derive(Clone, Debug)]
enum Step {
    Renew(u8),
    Release(u8),
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![(0_u8..3).prop_map(Step::Renew), (0_u8..3).prop_map(Step::Release)];
    prop::collection::vec((0_u64..20_000, step), 1..60)
}

/// The model of one person: online while a lease runs, or within the grace period after the last
/// session that was released in time.
#[derive(Default)]
struct Model {
    leases: HashMap<u8, u64>,
    grace_until: u64,
}

impl Model {
    fn is_online(&self, now: u64) -> bool {
        self.grace_until > now || self.leases.values().any(|ends_at| *ends_at > now)
    }

    fn apply(&mut self, step: &Step, now: u64) {
        match step {
            Step::Renew(session) => {
                self.leases.insert(*session, now + POLICY.lease_ms);
                self.grace_until = 0;
            }
            Step::Release(session) => {
                let had_lease = self.leases.remove(session).is_some_and(|ends_at| ends_at > now);
                if had_lease && !self.is_online(now) {
                    self.grace_until = now + POLICY.grace_ms;
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_sessions_do_a_person_is_online_exactly_as_long_as_the_policy_says(steps in steps()) {
        let (mut presence, mut model, mut now) = (presence(), Model::default(), 0);
        for (pause_ms, step) in steps {
            now += pause_ms;
            let was_online = model.is_online(now);
            presence.sweep(ms(now));
            prop_assert_eq!(presence.is_online(&user("c")), was_online);
            model.apply(&step, now);
            match step {
                Step::Renew(session) => {
                    prop_assert_eq!(presence.renew(&user("c"), session, ms(now)), !was_online);
                }
                Step::Release(session) => presence.release(&user("c"), session, ms(now)),
            }
            prop_assert_eq!(presence.is_online(&user("c")), model.is_online(now));
        }
        let end = presence.next_expiry();
        prop_assert_eq!(end.is_some(), model.is_online(now));
        if let Some(end) = end {
            prop_assert_eq!(presence.sweep(end), vec![user("c")]);
        }
    }
}
