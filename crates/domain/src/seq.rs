//! Positions in a conversation's log.

use std::fmt;

/// A position in one conversation's log: 1, 2, 3 … without a gap.
///
/// Every durable change takes the next one, so it is the only order there is. [`Seq::ZERO`] stands
/// before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(i64);

impl Seq {
    /// Before anything happened.
    pub const ZERO: Self = Self(0);

    /// The position `number`; `None` when it is negative.
    pub const fn new(number: i64) -> Option<Self> {
        if number < 0 { None } else { Some(Self(number)) }
    }

    /// The position as a number, 0 or more.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_follow_one_another_and_are_never_negative() {
        assert_eq!(Seq::ZERO.next().next().get(), 2);
        assert_eq!(Seq::new(-1), None);
        assert_eq!(Seq::new(7).map(Seq::get), Some(7));
    }
}
