//! Points in time with millisecond precision.

use std::fmt;

use jiff::tz::TimeZone;

/// A point in time, UTC, in whole milliseconds: stored, sent and compared in the same precision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The point `millis` milliseconds after 1970; `None` outside the years -9999 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(millis).ok().map(Self)
    }

    /// Parses ISO 8601 with an offset or `Z` (RFC 3339); `None` otherwise. Fractions of a
    /// millisecond are truncated.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(Self::from)
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The same point, for calendar calculations.
    pub fn to_jiff(self) -> jiff::Timestamp {
        self.0
    }
}

/// Truncates fractions of a millisecond.
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

// Time zones of the IANA database, which is compiled in.

/// There is no time zone of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone of that name")]
pub struct UnknownZone;

/// A time zone, such as `Europe/Paris`.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Finds a time zone by its IANA name.
    ///
    /// # Errors
    /// [`UnknownZone`].
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZone::get(name).map_err(|_| UnknownZone)?;
        if zone.iana_name().is_some() && !zone.is_unknown() {
            Ok(Self(zone))
        } else {
            Err(UnknownZone)
        }
    }

    /// Its IANA name.
    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The local date at `time`: `05/01/2026`.
    pub fn day(&self, time: Timestamp) -> String {
        self.print(time, "%d/%m/%Y")
    }

    /// The local time at `time`: `14:30`.
    pub fn minute(&self, time: Timestamp) -> String {
        self.print(time, "%H:%M")
    }

    /// The same zone, for calendar calculations.
    pub(crate) fn as_jiff(&self) -> &TimeZone {
        &self.0
    }

    fn print(&self, time: Timestamp, form: &str) -> String {
        time.to_jiff().to_zoned_datetime(self.0.clone()).strftime(form).to_string()
    }
}

/// `Europe/Paris`, the platform's default.
impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.as_str())
    }
}

#[cfg(test)]
mod time_tests {
    use super::*;

    #[test]
    fn a_time_has_whole_milliseconds_and_prints_them() {
        let fine: jiff::Timestamp = "2026-01-05T09:30:00.123999Z".parse().expect("a time");
        assert_eq!(Timestamp::from(fine).to_string(), "2026-01-05T09:30:00.123Z");
        let whole = Timestamp::from_millis(1_767_605_400_000).expect("in range");
        assert_eq!(whole.to_string(), "2026-01-05T09:30:00.000Z");
    }
}

#[cfg(test)]
mod zone_tests {
    use super::*;

    #[test]
    fn a_day_is_the_one_of_the_place() {
        let late = Timestamp::from_millis(1_767_655_800_000).expect("in range");
        assert_eq!(late.to_string(), "2026-01-05T23:30:00.000Z");
        let day = |name| {
            let zone = Zone::parse(name).expect("a zone");
            (zone.day(late), zone.minute(late))
        };
        assert_eq!(day("Europe/Paris"), ("06/01/2026".to_owned(), "00:30".to_owned()));
        assert_eq!(day("America/New_York"), ("05/01/2026".to_owned(), "18:30".to_owned()));
    }

    #[test]
    fn the_default_zone_is_paris() {
        assert_eq!(Zone::default().as_str(), "Europe/Paris");
    }

    #[test]
    fn a_place_that_does_not_exist_has_no_time() {
        for bad in ["", "Europe/Atlantis", "Etc/Unknown", "../etc/passwd", "Europe/Paris\0"] {
            assert_eq!(Zone::parse(bad), Err(UnknownZone), "{bad:?}");
        }
    }
}
