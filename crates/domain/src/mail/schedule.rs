//! Whether, and when, somebody is told by mail.

#[cfg(test)]
mod properties;

use jiff::{civil::Time, tz::TimeZone};

use super::{
    MAIL_CONVERSATIONS_MAX, MailDecision, MailPolicy, PendingConversation, PendingNotifications,
    RECENT_MAILS_MS, Reach, SkipReason,
    preferences::{Frequency, QuietHours},
};
use crate::time::{Timestamp, Zone};

/// Decides what becomes of everything that waits for a person, as things stand at `now`.
///
/// A conversation is told of when its quiet delay and its pause are over, at the moment that the
/// person chose (D15), outside their quiet hours, and with it everything else of which that is so. A
/// mail that comes at a chosen hour takes along what waits and is not so far yet.
pub fn decide(case: &PendingNotifications, terms: &MailPolicy, now: Timestamp) -> MailDecision {
    let PendingNotifications { recipient, preferences, is_suppressed, .. } = case;
    let reach = Reach { recipient, preferences, is_suppressed: *is_suppressed };
    let timing = Timing { case, terms, zone: reach.zone(terms), now };
    let mut verdict = MailDecision::default();
    let mut wanted = Vec::new();
    for waiting in &case.waiting {
        let against = reach.obstacle().or_else(|| reason_against(waiting, case));
        match against.or_else(|| timing.is_too_old(waiting).then_some(SkipReason::TooOld)) {
            Some(why) => verdict.forget.push((waiting.conversation.clone(), why)),
            None => wanted.push(waiting),
        }
    }
    wanted.sort_by_key(|waiting| waiting.since);
    let begins_at = timing.begins_at();
    let takes_along = timing.takes_along(&wanted);
    for waiting in wanted {
        let due = if takes_along { timing.pause_over(waiting) } else { timing.due(waiting) };
        let full = verdict.tell.len() == MAIL_CONVERSATIONS_MAX;
        let next_mail = if full { after(now, RECENT_MS) } else { now };
        let at = timing.outside_quiet_hours(due.max(begins_at).max(next_mail));
        if at > now {
            verdict.wait.push((waiting.conversation.clone(), at));
        } else {
            verdict.tell.push((waiting.conversation.clone(), waiting.up_to));
        }
    }
    verdict
}

const RECENT_MS: i64 = RECENT_MAILS_MS.cast_signed();

fn reason_against(
    waiting: &PendingConversation,
    case: &PendingNotifications,
) -> Option<SkipReason> {
    if case.preferences.has_muted(&waiting.conversation) {
        Some(SkipReason::Muted)
    } else {
        (waiting.unmailed == 0).then_some(SkipReason::Read)
    }
}

/// When a person is told.
struct Timing<'a> {
    case: &'a PendingNotifications,
    terms: &'a MailPolicy,
    zone: &'a Zone,
    now: Timestamp,
}

impl Timing<'_> {
    /// When a mail may tell of a conversation, by its delay, its pause and the frequency. The hour
    /// that a person chose is not missed because the last mail left a moment after it.
    fn due(&self, waiting: &PendingConversation) -> Timestamp {
        let delay_ms = signed(self.terms.delay_ms);
        let pause_over = self.pause_over(waiting);
        let ready = after(waiting.since, delay_ms);
        self.chosen_moment(ready.max(after(pause_over, -delay_ms))).max(pause_over)
    }

    /// When the pause after the last mail about a conversation ends; long ago without one.
    fn pause_over(&self, waiting: &PendingConversation) -> Timestamp {
        let pause_ms = signed(self.terms.conversation_pause_ms);
        waiting.last_mailed_at.map_or(Timestamp::UNIX_EPOCH, |told| after(told, pause_ms))
    }

    /// Whether the newest message has waited for longer than a mail may be late.
    fn is_too_old(&self, waiting: &PendingConversation) -> bool {
        after(waiting.newest_at, signed(self.terms.notice_age_max_ms)) < self.now
    }

    fn chosen_moment(&self, from: Timestamp) -> Timestamp {
        match self.case.preferences.frequency {
            Frequency::Hourly => full_hour(self.zone, from),
            Frequency::Daily => hour_of_day(self.zone, self.terms.daily_hour, from),
            Frequency::Immediate | Frequency::Never => from,
        }
    }

    /// Whether a mail comes now because the person chose this hour.
    fn takes_along(&self, wanted: &[&PendingConversation]) -> bool {
        self.case.preferences.frequency != Frequency::Immediate
            && wanted.iter().any(|waiting| self.due(waiting) <= self.now)
    }

    /// The first moment at which this person may get another mail at all.
    fn begins_at(&self) -> Timestamp {
        let most = usize::try_from(self.terms.per_minute_max.max(1)).unwrap_or(usize::MAX);
        let first_of_most = self.case.recent_mails.get(most - 1);
        first_of_most.map_or(self.now, |sent| after(*sent, RECENT_MS).max(self.now))
    }

    fn outside_quiet_hours(&self, from: Timestamp) -> Timestamp {
        end_of_quiet_hours(self.zone, self.case.preferences.quiet_hours, from)
    }
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

// Moments by the clock on somebody's wall, which may be put forward or back.

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
    first(zone, from, Skipped::IsNot, |wall_ms| {
        let minute = u16::try_from(wall_ms / MINUTE_MS).unwrap_or_default();
        if quiet.contains(minute) { (end_ms - wall_ms).rem_euclid(DAY_MS) } else { 0 }
    })
}

/// The next full hour at or after `from`.
pub(super) fn full_hour(zone: &Zone, from: Timestamp) -> Timestamp {
    first(zone, from, Skipped::IsReached, |wall_ms| (-wall_ms).rem_euclid(HOUR_MS))
}

/// The first moment at `from` or later at which the clock strikes `hour` (0 to 23).
pub(super) fn hour_of_day(zone: &Zone, hour: u8, from: Timestamp) -> Timestamp {
    let hour_ms = i64::from(hour) * HOUR_MS;
    first(zone, from, Skipped::IsReached, |wall_ms| (hour_ms - wall_ms).rem_euclid(DAY_MS))
}

/// What a time of the day is on the day on which putting the clock forward skips it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Skipped {
    /// Reached at the moment at which the clock is put forward.
    IsReached,
    /// Not there.
    IsNot,
}

/// The first moment at `from` or later at which nothing is `left` to wait by the clock: `left` says,
/// for a time of the day, how long the hands still have to go.
fn first(zone: &Zone, from: Timestamp, skipped: Skipped, left: impl Fn(i64) -> i64) -> Timestamp {
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
        let is_skipped = change.as_millis() + skipped_ms >= straight.as_millis();
        if is_skipped && skipped == Skipped::IsReached {
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
