use domain::{ports::Clock, time::Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's adapter")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_whole_milliseconds() {
        let now = SystemClock.now();
        assert_eq!(Timestamp::from_millis(now.as_millis()), Some(now));
        assert!(now.as_millis() > 1_700_000_000_000, "{now}");
    }
}
