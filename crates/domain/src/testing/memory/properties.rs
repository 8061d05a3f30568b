//! Invariants after every step of two people in a conversation.

mod world;
use proptest::{prelude::*, test_runner::TestCaseResult};
use world::{Model, Step};

use crate::{conversation::Side, ids::Seq};

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let key = prop::option::weighted(0.3, 0_u8..4);
    let step = prop_oneof![
        4 => (key, any::<bool>()).prop_map(|(key, seen)| Step::StoredMessage { key, seen }),
        2 => any::<prop::sample::Index>().prop_map(Step::Delete),
        2 => (0_i64..60).prop_map(Step::ReadUpTo),
        1 => Just(Step::ReadEverything),
        1 => (0_u8..3).prop_map(Step::SetSubject),
        1 => Just(Step::Toggle),
    ];
    prop::collection::vec((any::<bool>(), step), 1..60)
}

/// Positions are 1, 2, 3 …, and the newest is that of the conversation.
fn assert_gapless(model: &Model) -> TestCaseResult {
    let log = model.log();
    let positions: Vec<_> = log.iter().map(|event| event.seq.get()).collect();
    let newest = i64::try_from(log.len()).expect("the log is short");
    prop_assert_eq!(positions, (1..=newest).collect::<Vec<_>>());
    prop_assert_eq!(Seq::new(newest), Some(model.view(Side::Salon).conversation.last_seq));
    Ok(())
}

/// Unread counts and read states equal those counted by hand.
fn assert_counts(model: &Model, side: Side) -> TestCaseResult {
    let (view, history) = (model.view(side), model.history());
    let horizon = view.conversation.horizons.of(side);
    let theirs = |message: &&_| model.author(message) == side.other();
    let unread = history.iter().filter(theirs).filter(|message| message.seq > horizon);
    let unread = unread.count() as u64;
    prop_assert_eq!(view.unread, unread);
    prop_assert_eq!(model.unread_total(side), unread);
    for message in history.iter().filter(theirs) {
        prop_assert_eq!(message.is_read, message.seq <= horizon);
        prop_assert_eq!(message.read_at.is_some(), message.is_read);
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_two_people_do_positions_horizons_and_counts_hold(steps in steps()) {
        let model = Model::new();
        for (as_salon, step) in steps {
            let side = if as_salon { Side::Salon } else { Side::Client };
            let before = model.view(Side::Salon).conversation;
            model.apply(side, &step);
            let after = model.view(Side::Salon).conversation;
            assert_gapless(&model)?;
            for side in [Side::Salon, Side::Client] {
                prop_assert!(after.horizons.of(side) >= before.horizons.of(side));
                prop_assert!(after.horizons.of(side) <= after.last_seq);
                assert_counts(&model, side)?;
            }
        }
    }

    #[test]
    fn published_events_equal_the_log(steps in steps()) {
        let model = Model::new();
        let mut published = vec![Seq::ZERO.next()];
        for (as_salon, step) in steps {
            let side = if as_salon { Side::Salon } else { Side::Client };
            published.extend(model.apply(side, &step).iter().map(|event| event.seq));
        }
        let logged: Vec<_> = model.log().iter().map(|event| event.seq).collect();
        prop_assert_eq!(published, logged);
    }

    #[test]
    fn published_events_say_what_the_log_says_at_that_moment(steps in steps()) {
        let model = Model::new();
        for (as_salon, step) in steps {
            let side = if as_salon { Side::Salon } else { Side::Client };
            let before = model.view(side).conversation.last_seq;
            let published = model.apply(side, &step);
            let mut logged = model.log();
            logged.retain(|event| event.seq > before);
            prop_assert_eq!(published, logged);
        }
    }

    #[test]
    fn repeated_keys_never_add_a_message(keys in prop::collection::vec((any::<bool>(), 0_u8..4), 1..40)) {
        let model = Model::new();
        let mut used = std::collections::HashSet::new();
        for (as_salon, key) in keys {
            let side = if as_salon { Side::Salon } else { Side::Client };
            used.insert((side, key));
            model.apply(side, &Step::StoredMessage { key: Some(key), seen: false });
            prop_assert_eq!(model.history().len(), used.len());
        }
    }
}
