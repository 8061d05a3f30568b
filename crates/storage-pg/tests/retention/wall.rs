//! A running clock.

use std::time::Instant;

use domain::{ports::Clock, time::Timestamp};

/// A clock that starts at 2026-01-05T09:30:00Z.
pub(crate) struct RunningClock(Instant);

impl RunningClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        let gone_ms = i64::try_from(self.0.elapsed().as_millis()).expect("a test is short");
        Timestamp::from_millis(1_767_605_400_000 + gone_ms).expect("within the calendar")
    }
}
