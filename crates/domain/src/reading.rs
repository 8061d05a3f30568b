//! How far each side has read.

use crate::{conversation::Side, seq::Seq};

/// The read horizons of a conversation: everything the other side posted up to and including its
/// position is read. A horizon never moves back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizons {
    /// How far the salon has read.
    pub salon: Seq,
    /// How far the client has read.
    pub client: Seq,
}

impl Horizons {
    /// How far `side` has read.
    pub fn of(&self, side: Side) -> Seq {
        match side {
            Side::Salon => self.salon,
            Side::Client => self.client,
        }
    }

    /// Moves the horizon of `side` up to `seq`. Returns whether it moved: it stays where it is when
    /// it already was there or beyond.
    pub fn advance(&mut self, side: Side, seq: Seq) -> bool {
        let horizon = match side {
            Side::Salon => &mut self.salon,
            Side::Client => &mut self.client,
        };
        let moves = seq > *horizon;
        if moves {
            *horizon = seq;
        }
        moves
    }

    /// Whether a message posted at `seq` by `author` was read by the other side.
    pub fn has_read(&self, author: Side, seq: Seq) -> bool {
        seq <= self.of(author.other())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_horizon_never_moves_back(moves in prop::collection::vec((any::<bool>(), 0_i64..50), 0..40)) {
            let mut horizons = Horizons::default();
            for (salon, seq) in moves {
                let side = if salon { Side::Salon } else { Side::Client };
                let (seq, before) = (Seq::new(seq).expect("not negative"), horizons);
                let moved = horizons.advance(side, seq);
                prop_assert_eq!(horizons.of(side), before.of(side).max(seq));
                prop_assert_eq!(horizons.of(side.other()), before.of(side.other()));
                prop_assert_eq!(moved, horizons != before);
            }
        }
    }

    #[test]
    fn a_message_is_read_when_the_other_side_s_horizon_reaches_it() {
        let mut horizons = Horizons::default();
        let two = Seq::ZERO.next().next();
        horizons.advance(Side::Client, two);
        assert!(horizons.has_read(Side::Salon, two));
        assert!(!horizons.has_read(Side::Salon, two.next()));
        assert!(!horizons.has_read(Side::Client, two));
    }
}
