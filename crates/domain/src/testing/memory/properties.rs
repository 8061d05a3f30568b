//! Whatever two people do, in whatever order: the promises hold after each step.

mod world;
use proptest::{prelude::*, test_runner::TestCaseResult};
use world::{Step, World};

use crate::{conversation::Side, ids::Seq};

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    let key = prop::option::weighted(0.3, 0_u8..4);
    let step = prop_oneof![
        4 => (key, any::<bool>()).prop_map(|(key, seen)| Step::Post { key, seen }),
        2 => any::<prop::sample::Index>().prop_map(Step::Delete),
        2 => (0_i64..60).prop_map(Step::ReadUpTo),
        1 => Just(Step::ReadEverything),
        1 => (0_u8..3).prop_map(Step::Name),
        1 => Just(Step::Toggle),
    ];
    prop::collection::vec((any::<bool>(), step), 1..60)
}

/// Positions are 1, 2, 3 …, and the newest is the one that the conversation knows.
fn gapless(world: &World) -> TestCaseResult {
    let log = world.log();
    let positions: Vec<_> = log.iter().map(|event| event.seq.get()).collect();
    let newest = i64::try_from(log.len()).expect("the log is short");
    prop_assert_eq!(positions, (1..=newest).collect::<Vec<_>>());
    prop_assert_eq!(Seq::new(newest), Some(world.view(Side::Salon).conversation.last_seq));
    Ok(())
}

/// Unread is what counting by hand says, wherever it is shown, and so is what is read.
fn counted(world: &World, side: Side) -> TestCaseResult {
    let (view, history) = (world.view(side), world.history());
    let horizon = view.conversation.horizons.of(side);
    let theirs = |message: &&_| world.author(message) == side.other();
    let waiting = history.iter().filter(theirs).filter(|message| message.seq > horizon);
    let waiting = waiting.count() as u64;
    prop_assert_eq!(view.unread, waiting);
    prop_assert_eq!(world.unread_total(side), waiting);
    for message in history.iter().filter(theirs) {
        prop_assert_eq!(message.is_read, message.seq <= horizon);
        prop_assert_eq!(message.read_at.is_some(), message.is_read);
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_two_people_do_positions_horizons_and_counts_hold(steps in steps()) {
        let world = World::new();
        for (as_salon, step) in steps {
            let side = if as_salon { Side::Salon } else { Side::Client };
            let before = world.view(Side::Salon).conversation;
            world.take(side, &step);
            let after = world.view(Side::Salon).conversation;
            gapless(&world)?;
            for side in [Side::Salon, Side::Client] {
                prop_assert!(after.horizons.of(side) >= before.horizons.of(side));
                prop_assert!(after.horizons.of(side) <= after.last_seq);
                counted(&world, side)?;
            }
        }
    }

    #[test]
    fn what_is_told_is_what_the_log_keeps(steps in steps()) {
        let world = World::new();
        let mut told = vec![Seq::ZERO.next()];
        for (as_salon, step) in steps {
            let side = if as_salon { Side::Salon } else { Side::Client };
            told.extend(world.take(side, &step).iter().map(|event| event.seq));
        }
        let kept: Vec<_> = world.log().iter().map(|event| event.seq).collect();
        prop_assert_eq!(told, kept);
    }

    #[test]
    fn repeated_keys_never_add_a_message(keys in prop::collection::vec((any::<bool>(), 0_u8..4), 1..40)) {
        let world = World::new();
        let mut used = std::collections::HashSet::new();
        for (as_salon, key) in keys {
            let side = if as_salon { Side::Salon } else { Side::Client };
            used.insert((side, key));
            world.take(side, &Step::Post { key: Some(key), seen: false });
            prop_assert_eq!(world.history().len(), used.len());
        }
    }
}
