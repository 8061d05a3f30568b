//! Time zones, by the names of the IANA database, which comes with the program.

use std::fmt;

use jiff::tz::TimeZone;

use crate::time::Timestamp;

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

    /// The day at `time` there: `05/01/2026`.
    pub fn day(&self, time: Timestamp) -> String {
        self.print(time, "%d/%m/%Y")
    }

    /// The minute at `time` there: `14:30`.
    pub fn minute(&self, time: Timestamp) -> String {
        self.print(time, "%H:%M")
    }

    /// The same, for calendars.
    pub(crate) fn as_jiff(&self) -> &TimeZone {
        &self.0
    }

    fn print(&self, time: Timestamp, form: &str) -> String {
        time.to_jiff().to_zoned(self.0.clone()).strftime(form).to_string()
    }
}

/// `Europe/Paris`, where the house stands.
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
mod tests {
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
    fn without_a_word_it_is_paris() {
        assert_eq!(Zone::default().as_str(), "Europe/Paris");
    }

    #[test]
    fn a_place_that_does_not_exist_has_no_time() {
        for bad in ["", "Europe/Atlantis", "Etc/Unknown", "../etc/passwd", "Europe/Paris\0"] {
            assert_eq!(Zone::parse(bad), Err(UnknownZone), "{bad:?}");
        }
    }
}
