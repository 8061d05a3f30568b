use domain::{
    mail::preferences::{Frequency, PreferenceChange, QuietHours},
    time::Zone,
};
use serde_json::Value;

use super::fields::{Field, Fields, ValidationErrors};
use crate::{error::Failure, texts};

/// Parses a change of the notification preferences.
///
/// # Errors
/// A validation failure with every error.
pub fn preference_change(fields: &Fields) -> Result<PreferenceChange, Failure> {
    let mut reasons = ValidationErrors::default();
    let change = PreferenceChange {
        mail_enabled: enabled(fields, &mut reasons),
        frequency: frequency(fields, &mut reasons),
        quiet_hours: removable(fields, "quietHours", |value| {
            reasons.note(quiet_hours(value).ok_or(()), |()| texts::QUIET_HOURS)
        }),
        zone: removable(fields, "timeZone", |value| {
            let zone = value.as_str().and_then(|name| Zone::parse(name).ok());
            reasons.note(zone.ok_or(()), |()| texts::TIME_ZONE)
        }),
    };
    reasons.into_result(Some(change))
}

/// The id of the conversation to mute, not validated yet.
///
/// # Errors
/// A validation failure.
pub fn muted_conversation(fields: &Fields) -> Result<&str, Failure> {
    match Field::of(fields, "conversationId") {
        Field::Text(id) => Ok(id),
        Field::Nothing | Field::Else => Err(Failure::validation(vec![texts::CONVERSATION_STRING])),
    }
}

fn enabled(fields: &Fields, reasons: &mut ValidationErrors) -> Option<bool> {
    match fields.get("emailNotificationsEnabled") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(enabled)) => Some(*enabled),
        Some(_) => {
            reasons.add(texts::ENABLED_BOOLEAN);
            None
        }
    }
}

fn frequency(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Frequency> {
    match Field::of(fields, "emailFrequency") {
        Field::Nothing => None,
        Field::Text(word) => {
            reasons.note(Frequency::parse(word).ok_or(()), |()| texts::FREQUENCY_WORDS)
        }
        Field::Else => {
            reasons.add(texts::FREQUENCY_STRING);
            None
        }
    }
}

/// The outer `None` leaves the field unchanged, the inner one removes it.
#[expect(clippy::option_option, reason = "the shape of `PreferenceChange`")]
fn removable<T>(
    fields: &Fields,
    name: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Option<Option<T>> {
    match fields.get(name)? {
        Value::Null => Some(None),
        value => read(value).map(Some),
    }
}

fn quiet_hours(value: &Value) -> Option<QuietHours> {
    let time = |name| minute(value.get(name)?.as_str()?);
    QuietHours::new(time("from")?, time("to")?).ok()
}

/// Parses `HH:MM` into the minute of the day.
fn minute(text: &str) -> Option<u16> {
    let two_digits = |text: &str| {
        let is_number = text.len() == 2 && super::query::is_digits(text);
        is_number.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::Language;

    fn read(value: &Value) -> Result<PreferenceChange, Failure> {
        preference_change(value.as_object().expect("an object"))
    }

    #[test]
    fn absent_fields_stay_unchanged_and_null_removes_optional_ones() {
        assert_eq!(read(&json!({})).expect("good"), PreferenceChange::default());
        let nulls = json!({
            "emailNotificationsEnabled": null, "emailFrequency": null, "quietHours": null, "timeZone": null,
        });
        let removed = PreferenceChange {
            quiet_hours: Some(None),
            zone: Some(None),
            ..PreferenceChange::default()
        };
        assert_eq!(read(&nulls).expect("good"), removed);
    }

    #[test]
    fn every_part_is_read() {
        let change = read(&json!({
            "emailNotificationsEnabled": false, "emailFrequency": "DAILY",
            "quietHours": {"from": "22:00", "to": "07:05"}, "timeZone": "America/Cayenne",
            "mutedConversations": ["c-1"],
        }));
        let change = change.expect("good");
        let quiet = change.quiet_hours.flatten().expect("given");
        assert_eq!((change.mail_enabled, change.frequency), (Some(false), Some(Frequency::Daily)));
        assert_eq!((quiet.from_minute(), quiet.to_minute()), (22 * 60, 7 * 60 + 5));
        let zone = change.zone.flatten().expect("given");
        assert_eq!(zone.as_str(), "America/Cayenne");
    }

    #[test]
    fn every_validation_error_is_reported_in_order() {
        let failure = read(&json!({
            "emailNotificationsEnabled": "yes", "emailFrequency": 1, "quietHours": true, "timeZone": 2,
        }))
        .expect_err("nonsense");
        assert_eq!(
            failure.messages(Language::English),
            [
                "emailNotificationsEnabled must be a boolean value",
                "emailFrequency must be a string",
                "quietHours must be null, or two different times: from and to, such as 22:00",
                "timeZone must be null, or a time zone such as Europe/Paris",
            ]
        );
        for word in ["", "WEEKLY", "daily", "NEVER "] {
            let failure = read(&json!({"emailFrequency": word})).expect_err("no frequency");
            let text = failure.message(Language::French);
            assert!(text.ends_with("IMMEDIATE, HOURLY, DAILY, NEVER"), "{word}: {text}");
        }
    }

    #[test]
    fn quiet_hours_are_two_different_times_of_a_day() {
        for (from, to) in [
            (json!("22:00"), json!("22:00")),
            (json!("24:00"), json!("07:00")),
            (json!("22:60"), json!("07:00")),
            (json!("2:00"), json!("07:00")),
            (json!("22:00:00"), json!("07:00")),
            (json!("+2:00"), json!("07:00")),
            (json!(22), json!(7)),
            (json!("22:00"), Value::Null),
        ] {
            let change = json!({"quietHours": {"from": from, "to": to}});
            assert!(read(&change).is_err(), "{change}");
        }
    }
}
