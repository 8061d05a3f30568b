//! Moments by the clock on somebody's wall, which may be put forward or back.

use jiff::{civil::Time, tz::TimeZone};

use crate::{preference::QuietHours, time::Timestamp, zone::Zone};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The first moment at `from` or later at which no quiet hour is.
pub(super) fn end_of_quiet_hours(
    zone: &Zone,
    quiet: Option<QuietHours>,
    from: Timestamp,
) -> Timestamp {
    let Some(quiet) = quiet else { return from };
    let end_ms = i64::from(quiet.to_minute()) * MINUTE_MS;
    first(zone, from, |wall_ms| {
        let minute = u16::try_from(wall_ms / MINUTE_MS).unwrap_or_default();
        if quiet.contains(minute) { (end_ms - wall_ms).rem_euclid(DAY_MS) } else { 0 }
    })
}

/// The first moment at `from` or later at which the minute hand points upwards.
pub(super) fn full_hour(zone: &Zone, from: Timestamp) -> Timestamp {
    first(zone, from, |wall_ms| (-wall_ms).rem_euclid(HOUR_MS))
}

/// The first moment at `from` or later at which the clock strikes `hour` (0 to 23).
pub(super) fn hour_of_day(zone: &Zone, hour: u8, from: Timestamp) -> Timestamp {
    let hour_ms = i64::from(hour) * HOUR_MS;
    first(zone, from, |wall_ms| (hour_ms - wall_ms).rem_euclid(DAY_MS))
}

/// The first moment at `from` or later at which nothing is `left` to wait by the clock: `left` says,
/// for a time of the day, how long the hands still have to go. A time that is skipped because the
/// clock is put forward counts as reached when that happens.
fn first(zone: &Zone, from: Timestamp, left: impl Fn(i64) -> i64) -> Timestamp {
    let zone = zone.as_jiff();
    let mut at = from;
    loop {
        let left_ms = left(wall_ms(zone, at));
        if left_ms == 0 {
            return at;
        }
        let straight = after(at, left_ms);
        let Some(change) = next_change(zone, at).filter(|change| *change <= straight) else {
            return straight;
        };
        let skipped_ms = offset_ms(zone, change) - offset_ms(zone, at);
        if change.as_millis() + skipped_ms >= straight.as_millis() {
            return change;
        }
        at = change;
    }
}

/// Milliseconds since midnight, as the hands show them.
fn wall_ms(zone: &TimeZone, at: Timestamp) -> i64 {
    let shown = zone.to_datetime(at.to_jiff()).time();
    shown.duration_since(Time::midnight()).as_millis().try_into().unwrap_or_default()
}

fn offset_ms(zone: &TimeZone, at: Timestamp) -> i64 {
    i64::from(zone.to_offset(at.to_jiff()).seconds()) * 1_000
}

/// When the clock is put forward or back next.
fn next_change(zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    zone.following(at.to_jiff()).next().map(|change| change.timestamp().into())
}

/// `millis` milliseconds later.
pub(super) fn after(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis)).unwrap_or(at)
}

#[cfg(test)]
mod tests;
