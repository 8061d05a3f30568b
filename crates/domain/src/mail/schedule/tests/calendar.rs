use proptest::prelude::*;

use crate::mail::schedule::*;

fn zone(name: &str) -> Zone {
    Zone::parse(name).expect("a zone")
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

fn quiet(from: (u16, u16), to: (u16, u16)) -> QuietHours {
    QuietHours::new(from.0 * 60 + from.1, to.0 * 60 + to.1).expect("good hours")
}

#[test]
fn a_full_hour_is_one_by_the_clock_of_the_place() {
    for (place, from, until) in [
        ("Europe/Paris", "2026-01-05T09:30:00.001Z", "2026-01-05T10:00:00Z"),
        ("Europe/Paris", "2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"),
        ("Asia/Kolkata", "2026-01-05T10:00:00Z", "2026-01-05T10:30:00Z"),
        // Daylight saving shifts by half an hour.
        ("Australia/Lord_Howe", "2026-10-03T15:10:00Z", "2026-10-03T15:30:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T14:40:00Z", "2026-04-04T15:30:00Z"),
    ] {
        assert_eq!(full_hour(&zone(place), moment(from)), moment(until), "{place} {from}");
    }
}

#[test]
fn nine_o_clock_is_nine_o_clock_in_summer_and_in_winter() {
    for (place, from, until) in [
        ("Europe/Paris", "2026-01-05T08:00:00Z", "2026-01-05T08:00:00Z"),
        ("Europe/Paris", "2026-01-05T08:00:00.001Z", "2026-01-06T08:00:00Z"),
        ("Europe/Paris", "2026-03-28T12:00:00Z", "2026-03-29T07:00:00Z"),
        ("Europe/Paris", "2026-10-24T12:00:00Z", "2026-10-25T08:00:00Z"),
        ("Pacific/Auckland", "2026-01-05T21:00:00Z", "2026-01-06T20:00:00Z"),
        ("America/Cayenne", "2026-01-05T11:59:00Z", "2026-01-05T12:00:00Z"),
    ] {
        assert_eq!(hour_of_day(&zone(place), 9, moment(from)), moment(until), "{place} {from}");
    }
}

#[test]
fn a_skipped_hour_counts_as_reached_when_daylight_saving_begins() {
    let paris = zone("Europe/Paris");
    let day_before = moment("2026-03-28T12:00:00Z");
    assert_eq!(hour_of_day(&paris, 2, day_before), moment("2026-03-29T01:00:00Z"));
    assert_eq!(hour_of_day(&paris, 3, day_before), moment("2026-03-29T01:00:00Z"));
    let half_past = Some(quiet((22, 0), (2, 30)));
    let night = moment("2026-03-28T23:00:00Z");
    assert_eq!(end_of_quiet_hours(&paris, half_past, night), moment("2026-03-29T01:00:00Z"));
}

#[test]
fn a_gap_between_quiet_hours_that_is_skipped_is_not_used() {
    let gap_at_two = Some(quiet((2, 32), (2, 0)));
    let end = end_of_quiet_hours(&zone("Europe/Paris"), gap_at_two, moment("2026-03-28T20:00:00Z"));
    assert_eq!(end, moment("2026-03-30T00:00:00Z"), "two o'clock of the next night");
}

#[test]
fn an_hour_that_comes_twice_is_quiet_twice() {
    let paris = zone("Europe/Paris");
    let until_half_past = Some(quiet((22, 0), (2, 30)));
    let end = |from| end_of_quiet_hours(&paris, until_half_past, moment(from));
    assert_eq!(end("2026-10-24T22:00:00Z"), moment("2026-10-25T00:30:00Z"));
    assert_eq!(end("2026-10-25T00:45:00Z"), moment("2026-10-25T00:45:00Z"));
    assert_eq!(end("2026-10-25T01:10:00Z"), moment("2026-10-25T01:30:00Z"));
}

#[test]
fn without_quiet_hours_every_moment_will_do() {
    let now = moment("2026-01-05T03:00:00Z");
    for quiet in [None, Some(quiet((12, 0), (13, 0)))] {
        assert_eq!(end_of_quiet_hours(&zone("Europe/Paris"), quiet, now), now);
    }
}

const PLACES: [&str; 5] =
    ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"];

fn somewhere() -> impl Strategy<Value = Zone> {
    prop::sample::select(PLACES.as_slice()).prop_map(zone)
}

/// A minute within two years.
fn some_time() -> impl Strategy<Value = Timestamp> {
    let start = moment("2026-01-01T00:00:00Z");
    (0_i64..2 * 366 * 24 * 60).prop_map(move |minutes| after(start, minutes * MINUTE_MS))
}

fn minute_of(zone: &Zone, at: Timestamp) -> u16 {
    u16::try_from(wall_ms(zone.as_jiff(), at) / MINUTE_MS).expect("a day has few minutes")
}

proptest! {
    #[test]
    fn quiet_hours_end_as_soon_as_they_may_and_no_sooner(
        zone in somewhere(),
        from in some_time(),
        (begin, length) in (0_u16..1_440, 1_u16..1_440),
    ) {
        let hours = QuietHours::new(begin, (begin + length) % 1_440).expect("not empty");
        let end = end_of_quiet_hours(&zone, Some(hours), from);
        prop_assert!(!hours.contains(minute_of(&zone, end)));
        let mut at = from;
        while at < end {
            prop_assert!(hours.contains(minute_of(&zone, at)), "{at} was free already");
            at = after(at, MINUTE_MS);
        }
    }

    #[test]
    fn an_hour_of_the_day_comes_within_a_day_and_a_bit(
        zone in somewhere(),
        from in some_time(),
        hour in 0_u8..24,
    ) {
        let at = hour_of_day(&zone, hour, from);
        prop_assert!(at >= from && at.as_millis() - from.as_millis() <= DAY_MS + HOUR_MS);
        let shown = minute_of(&zone, at);
        let is_skipped = offset_ms(zone.as_jiff(), at) > offset_ms(zone.as_jiff(), after(at, -1));
        prop_assert!(shown == u16::from(hour) * 60 || is_skipped, "{at} shows minute {shown}");
    }
}
