//! Decides whether and when a person gets mail.

#[cfg(test)]
mod properties;

use jiff::{civil::Time, tz::TimeZone};

use super::{
    MAIL_CONVERSATIONS_MAX, MailDecision, MailPolicy, MailTarget, PendingConversation,
    PendingNotifications, RECENT_MAILS_MS, SkipReason,
    preferences::{Frequency, QuietHours},
};
use crate::time::{Timestamp, Zone};

/// Decides what happens to a person's pending conversations, given the state at `now`.
///
/// A conversation is mailed when its delay and its pause are over, at the time the person chose
/// (D15), outside their quiet hours, together with all others that are due. Mail at a chosen hour
/// also includes conversations whose delay is not over yet.
pub fn decide(input: &PendingNotifications, policy: &MailPolicy, now: Timestamp) -> MailDecision {
    let PendingNotifications { recipient, preferences, is_suppressed, .. } = input;
    let target = MailTarget { recipient, preferences, is_suppressed: *is_suppressed };
    let timing = Timing { input, policy, zone: target.zone(policy), now };
    let mut decision = MailDecision::default();
    let mut wanted = Vec::new();
    for pending in &input.conversations {
        let reason = target.skip_reason().or_else(|| conversation_skip_reason(pending, input));
        match reason.or_else(|| timing.is_too_old(pending).then_some(SkipReason::TooOld)) {
            Some(reason) => decision.drop.push((pending.conversation.clone(), reason)),
            None => wanted.push(pending),
        }
    }
    wanted.sort_by_key(|pending| pending.since);
    let rate_limit_ends_at = timing.rate_limit_ends_at();
    let includes_early = timing.includes_early(&wanted);
    for pending in wanted {
        let due = if includes_early { timing.pause_over(pending) } else { timing.due(pending) };
        let full = decision.send.len() == MAIL_CONVERSATIONS_MAX;
        let next_mail = if full { after(now, RECENT_MS) } else { now };
        let at = timing.outside_quiet_hours(due.max(rate_limit_ends_at).max(next_mail));
        if at > now {
            decision.defer.push((pending.conversation.clone(), at));
        } else {
            decision.send.push((pending.conversation.clone(), pending.up_to));
        }
    }
    decision
}

const RECENT_MS: i64 = RECENT_MAILS_MS.cast_signed();

fn conversation_skip_reason(
    pending: &PendingConversation,
    input: &PendingNotifications,
) -> Option<SkipReason> {
    if input.preferences.has_muted(&pending.conversation) {
        Some(SkipReason::Muted)
    } else {
        (pending.unmailed == 0).then_some(SkipReason::Read)
    }
}

/// When a person may be mailed.
struct Timing<'a> {
    input: &'a PendingNotifications,
    policy: &'a MailPolicy,
    zone: &'a Zone,
    now: Timestamp,
}

impl Timing<'_> {
    /// When a conversation may be mailed, by its delay, its pause and the frequency. The chosen
    /// hour is not missed because the last mail was sent a moment after it.
    fn due(&self, pending: &PendingConversation) -> Timestamp {
        let delay_ms = signed(self.policy.delay_ms);
        let pause_over = self.pause_over(pending);
        let ready = after(pending.since, delay_ms);
        self.chosen_moment(ready.max(after(pause_over, -delay_ms))).max(pause_over)
    }

    /// When the pause after the last mail about a conversation ends; the epoch if there was none.
    fn pause_over(&self, pending: &PendingConversation) -> Timestamp {
        let pause_ms = signed(self.policy.conversation_pause_ms);
        pending.last_mailed_at.map_or(Timestamp::UNIX_EPOCH, |sent_at| after(sent_at, pause_ms))
    }

    /// Whether the newest message is older than a notification may be.
    fn is_too_old(&self, pending: &PendingConversation) -> bool {
        after(pending.newest_at, signed(self.policy.notice_age_max_ms)) < self.now
    }

    fn chosen_moment(&self, from: Timestamp) -> Timestamp {
        match self.input.preferences.frequency {
            Frequency::Hourly => full_hour(self.zone, from),
            Frequency::Daily => hour_of_day(self.zone, self.policy.daily_hour, from),
            Frequency::Immediate | Frequency::Never => from,
        }
    }

    /// Whether a mail is sent now because the person chose this hour.
    fn includes_early(&self, wanted: &[&PendingConversation]) -> bool {
        self.input.preferences.frequency != Frequency::Immediate
            && wanted.iter().any(|pending| self.due(pending) <= self.now)
    }

    /// The earliest time of another mail to this person, by the rate limit.
    fn rate_limit_ends_at(&self) -> Timestamp {
        let most = usize::try_from(self.policy.per_minute_max.max(1)).unwrap_or(usize::MAX);
        let first_of_most = self.input.recent_mails.get(most - 1);
        first_of_most.map_or(self.now, |sent| after(*sent, RECENT_MS).max(self.now))
    }

    fn outside_quiet_hours(&self, from: Timestamp) -> Timestamp {
        end_of_quiet_hours(self.zone, self.input.preferences.quiet_hours, from)
    }
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

// Local times, with daylight saving changes.

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The first time at or after `from` outside quiet hours.
pub(super) fn end_of_quiet_hours(
    zone: &Zone,
    quiet: Option<QuietHours>,
    from: Timestamp,
) -> Timestamp {
    let Some(quiet) = quiet else { return from };
    let end_ms = i64::from(quiet.to_minute()) * MINUTE_MS;
    first(zone, from, Skipped::NextDay, |wall_ms| {
        let minute = u16::try_from(wall_ms / MINUTE_MS).unwrap_or_default();
        if quiet.contains(minute) { (end_ms - wall_ms).rem_euclid(DAY_MS) } else { 0 }
    })
}

/// The next full hour at or after `from`.
pub(super) fn full_hour(zone: &Zone, from: Timestamp) -> Timestamp {
    first(zone, from, Skipped::AtChange, |wall_ms| (-wall_ms).rem_euclid(HOUR_MS))
}

/// The next time at or after `from` when the local time is `hour` (0 to 23).
pub(super) fn hour_of_day(zone: &Zone, hour: u8, from: Timestamp) -> Timestamp {
    let hour_ms = i64::from(hour) * HOUR_MS;
    first(zone, from, Skipped::AtChange, |wall_ms| (hour_ms - wall_ms).rem_euclid(DAY_MS))
}

/// How to treat a local time that a daylight saving change skips.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Skipped {
    /// It counts as reached at the moment of the change.
    AtChange,
    /// It does not happen that day.
    NextDay,
}

/// The first time at or after `from` when `left` is 0: `left` returns, for a local time of day, how
/// many milliseconds of local time remain.
fn first(zone: &Zone, from: Timestamp, skipped: Skipped, left: impl Fn(i64) -> i64) -> Timestamp {
    let zone = zone.as_jiff();
    let mut at = from;
    loop {
        let left_ms = left(wall_ms(zone, at));
        if left_ms == 0 {
            return at;
        }
        let unchanged = after(at, left_ms);
        let Some(change) = next_change(zone, at).filter(|change| *change <= unchanged) else {
            return unchanged;
        };
        let skipped_ms = offset_ms(zone, change) - offset_ms(zone, at);
        let is_skipped = change.as_millis() + skipped_ms >= unchanged.as_millis();
        if is_skipped && skipped == Skipped::AtChange {
            return change;
        }
        at = change;
    }
}

/// Milliseconds since local midnight.
fn wall_ms(zone: &TimeZone, at: Timestamp) -> i64 {
    let shown = zone.to_datetime(at.to_jiff()).time();
    shown.duration_since(Time::midnight()).as_millis().try_into().unwrap_or_default()
}

fn offset_ms(zone: &TimeZone, at: Timestamp) -> i64 {
    i64::from(zone.to_offset(at.to_jiff()).seconds()) * 1_000
}

/// The next daylight saving change.
fn next_change(zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    zone.following(at.to_jiff()).next().map(|change| change.timestamp().into())
}

/// `at` plus `millis` milliseconds.
pub(super) fn after(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis)).unwrap_or(at)
}

#[cfg(test)]
mod tests;
