//! How long something took, many times over.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Fault;

const LONGEST_US: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// A collection of durations, to the microsecond.
#[derive(Clone, Debug)]
pub struct Spread(Histogram<u64>);

impl Spread {
    /// None yet.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn new() -> Result<Self, Fault> {
        Histogram::new_with_bounds(1, LONGEST_US, DIGITS)
            .map(Self)
            .map_err(Fault::while_doing("make a histogram"))
    }

    /// Adds one. What is longer than a minute counts as a minute.
    pub fn add(&mut self, taken: Duration) {
        let micros = u64::try_from(taken.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(micros.max(1));
    }

    /// Adds all of another collection.
    pub(super) fn merge(&mut self, other: &Self) -> Result<(), Fault> {
        self.0.add(&other.0).map_err(Fault::while_doing("add histograms"))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration that this share of all is not above.
    pub(super) fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(share))
    }

    /// Median, 99th percentile and maximum, in milliseconds, as cells of a table.
    pub fn cells(&self) -> String {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| millis(self.quantile(share)));
        format!("{p50} | {p99} | {max}")
    }
}

/// A duration in milliseconds.
pub(super) fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_cells_say_the_same() {
        let mut spread = Spread::new().expect("a histogram");
        for ms in 1..=100 {
            spread.add(Duration::from_millis(ms));
        }
        assert_eq!(spread.count(), 100);
        assert_eq!(spread.cells(), "50.0 ms | 99.0 ms | 100.0 ms");
    }
}
