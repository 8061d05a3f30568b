//! A person's mail preferences.

use crate::{
    ids::{ConversationId, UserId},
    time::{Timestamp, Zone},
};

/// The most conversations that one person may mute.
pub const MUTED_MAX: usize = 1_000;
/// Minutes in a day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// How often mail is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Frequency {
    /// `IMMEDIATE`: soon after a message, at most once an hour per conversation.
    #[default]
    Immediate,
    /// `HOURLY`: one mail at the full hour.
    Hourly,
    /// `DAILY`: one mail in the morning.
    Daily,
    /// `NEVER`.
    Never,
}

const FREQUENCIES: [(Frequency, &str); 4] = [
    (Frequency::Immediate, "IMMEDIATE"),
    (Frequency::Hourly, "HOURLY"),
    (Frequency::Daily, "DAILY"),
    (Frequency::Never, "NEVER"),
];

impl Frequency {
    /// Parses the word on the wire.
    pub fn parse(word: &str) -> Option<Self> {
        FREQUENCIES.iter().find(|(_, known)| *known == word).map(|(frequency, _)| *frequency)
    }

    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        let known = FREQUENCIES.iter().find(|(frequency, _)| *frequency == self);
        known.map_or("IMMEDIATE", |(_, word)| word)
    }
}

/// A part of each day without mail, in the person's time zone. May span midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from_minute: u16,
    to_minute: u16,
}

/// The quiet hours are empty, or not within a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("quiet hours begin and end at different minutes of a day")]
pub struct InvalidQuietHours;

impl QuietHours {
    /// From one minute of the day (inclusive) to another (exclusive), both counted from midnight.
    ///
    /// # Errors
    /// [`InvalidQuietHours`] when they are equal or not below [`DAY_MINUTES`].
    pub fn new(from_minute: u16, to_minute: u16) -> Result<Self, InvalidQuietHours> {
        if from_minute == to_minute || from_minute.max(to_minute) >= DAY_MINUTES {
            return Err(InvalidQuietHours);
        }
        Ok(Self { from_minute, to_minute })
    }

    /// The first quiet minute, from midnight.
    pub fn from_minute(self) -> u16 {
        self.from_minute
    }

    /// The first minute after the quiet hours, from midnight.
    pub fn to_minute(self) -> u16 {
        self.to_minute
    }

    /// Whether `minute` of the day is quiet.
    pub fn contains(self, minute: u16) -> bool {
        if self.from_minute < self.to_minute {
            (self.from_minute..self.to_minute).contains(&minute)
        } else {
            minute >= self.from_minute || minute < self.to_minute
        }
    }
}

/// A person's mail preferences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// The person.
    pub user: UserId,
    /// Whether any mail is sent.
    pub mail_enabled: bool,
    /// How often.
    pub frequency: Frequency,
    /// When not.
    pub quiet_hours: Option<QuietHours>,
    /// The person's time zone; `None`: the directory's, else the platform's.
    pub zone: Option<Zone>,
    /// Muted conversations, in the order in which they were muted.
    pub muted: Vec<ConversationId>,
    /// When they were first read or set.
    pub created_at: Timestamp,
    /// When they last changed.
    pub updated_at: Timestamp,
}

impl Preferences {
    /// The default preferences.
    pub fn usual(user: UserId, at: Timestamp) -> Self {
        Self {
            user,
            mail_enabled: true,
            frequency: Frequency::default(),
            quiet_hours: None,
            zone: None,
            muted: vec![],
            created_at: at,
            updated_at: at,
        }
    }

    /// These preferences with `change` applied at `at`.
    #[must_use]
    pub fn changed(self, change: &PreferenceChange, at: Timestamp) -> Self {
        Self {
            mail_enabled: change.mail_enabled.unwrap_or(self.mail_enabled),
            frequency: change.frequency.unwrap_or(self.frequency),
            quiet_hours: change.quiet_hours.unwrap_or(self.quiet_hours),
            zone: change.zone.clone().unwrap_or(self.zone),
            updated_at: at,
            ..self
        }
    }

    /// Whether any mail is wanted.
    pub fn wants_mail(&self) -> bool {
        self.mail_enabled && self.frequency != Frequency::Never
    }

    /// Whether `conversation` is muted.
    pub fn has_muted(&self, conversation: &ConversationId) -> bool {
        self.muted.contains(conversation)
    }
}

/// A change of preferences; `None` leaves a value unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreferenceChange {
    /// See [`Preferences::mail_enabled`].
    pub mail_enabled: Option<bool>,
    /// See [`Preferences::frequency`].
    pub frequency: Option<Frequency>,
    /// `Some(None)` removes the quiet hours.
    pub quiet_hours: Option<Option<QuietHours>>,
    /// `Some(None)` returns to the directory's zone.
    pub zone: Option<Option<Zone>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_reach_over_midnight() {
        let night = QuietHours::new(22 * 60, 7 * 60).expect("good");
        assert!(night.contains(23 * 60) && night.contains(0) && night.contains(7 * 60 - 1));
        assert!(!night.contains(7 * 60) && !night.contains(22 * 60 - 1));
        let noon = QuietHours::new(12 * 60, 13 * 60).expect("good");
        assert!(noon.contains(12 * 60) && !noon.contains(13 * 60) && !noon.contains(0));
        for (from, to) in [(5, 5), (0, DAY_MINUTES), (DAY_MINUTES, 0)] {
            assert_eq!(QuietHours::new(from, to), Err(InvalidQuietHours));
        }
    }

    #[test]
    fn a_change_leaves_alone_what_it_does_not_name() {
        let (then, now) = (Timestamp::UNIX_EPOCH, Timestamp::from_millis(5).expect("in range"));
        let user = UserId::parse("u1").expect("good");
        let night = QuietHours::new(22 * 60, 7 * 60).expect("good");
        let nightly =
            PreferenceChange { quiet_hours: Some(Some(night)), ..PreferenceChange::default() };
        let quiet = Preferences::usual(user, then).changed(&nightly, now);
        assert_eq!(
            (quiet.quiet_hours, quiet.created_at, quiet.updated_at),
            (Some(night), then, now)
        );
        let daily =
            PreferenceChange { frequency: Some(Frequency::Daily), ..PreferenceChange::default() };
        let both = quiet.changed(&daily, now);
        assert_eq!((both.quiet_hours, both.frequency), (Some(night), Frequency::Daily));
        let without_quiet_hours =
            PreferenceChange { quiet_hours: Some(None), ..PreferenceChange::default() };
        assert_eq!(both.changed(&without_quiet_hours, now).quiet_hours, None);
    }

    #[test]
    fn never_and_disabled_mail_mean_no_mail() {
        let usual = Preferences::usual(UserId::parse("u1").expect("good"), Timestamp::UNIX_EPOCH);
        assert!(usual.wants_mail());
        let never = Preferences { frequency: Frequency::Never, ..usual.clone() };
        assert!(!never.wants_mail() && !Preferences { mail_enabled: false, ..usual }.wants_mail());
    }

    #[test]
    fn a_frequency_is_read_as_it_is_written() {
        for (frequency, word) in FREQUENCIES {
            assert_eq!((Frequency::parse(word), frequency.as_str()), (Some(frequency), word));
        }
        assert_eq!(Frequency::parse("WEEKLY"), None);
    }
}
