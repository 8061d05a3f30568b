//! Points in time, in the precision we promise.

use std::fmt;

/// A point in time, UTC, in whole milliseconds: what is stored, sent and compared is the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The point `millis` milliseconds after 1970; `None` outside the years -9999 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(millis).ok().map(Self)
    }

    /// Reads ISO 8601 with an offset or `Z` (RFC 3339); `None` when it is no such time. What is finer
    /// than a millisecond is cut.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(Self::from)
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The same point, for calendars and time zones.
    pub fn to_jiff(self) -> jiff::Timestamp {
        self.0
    }
}

/// Cuts what is finer than a millisecond.
impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self::from_millis(time.as_millisecond()).unwrap_or(Self(time))
    }
}

/// ISO 8601 with milliseconds and `Z`: `2026-01-05T09:30:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_whole_milliseconds_and_prints_them() {
        let fine: jiff::Timestamp = "2026-01-05T09:30:00.123999Z".parse().expect("a time");
        assert_eq!(Timestamp::from(fine).to_string(), "2026-01-05T09:30:00.123Z");
        let whole = Timestamp::from_millis(1_767_605_400_000).expect("in range");
        assert_eq!(whole.to_string(), "2026-01-05T09:30:00.000Z");
    }
}
