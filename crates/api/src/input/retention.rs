use domain::retention::{
    DELETE_AFTER_DAYS_MIN, InvalidRetention, RETENTION_DAYS_MAX, RetentionPolicy, SalonRetention,
};
use serde_json::Value;

use super::fields::{Fields, ValidationErrors};
use crate::{error::Failure, texts, texts::Text};

const ARCHIVE: &str = "archiveAfterDays";
const DELETE: &str = "deleteAfterDays";
const HOLD: &str = "legalHold";

/// Parses the default policy.
///
/// # Errors
/// A validation failure with every error.
pub fn retention_policy(fields: &Fields) -> Result<RetentionPolicy, Failure> {
    let mut reasons = ValidationErrors::default();
    let archive = days(fields, ARCHIVE, &mut reasons);
    let delete = days(fields, DELETE, &mut reasons);
    let policy = match (archive, delete) {
        (Some(archive), Some(delete)) => policy(archive.unwrap_or(0), delete, &mut reasons),
        _ => None,
    };
    reasons.into_result(policy)
}

/// Parses the settings of a salon: a policy, a legal hold, or both.
///
/// # Errors
/// A validation failure with every error.
pub fn salon_retention(fields: &Fields) -> Result<SalonRetention, Failure> {
    let mut reasons = ValidationErrors::default();
    let archive = days(fields, ARCHIVE, &mut reasons);
    let delete = days(fields, DELETE, &mut reasons);
    let policy = match (archive, delete) {
        (Some(None), Some(None)) => None,
        (Some(archive), Some(delete)) => policy(archive.unwrap_or(0), delete, &mut reasons),
        _ => None,
    };
    let is_held = match fields.get(HOLD) {
        None | Some(Value::Null) => Some(false),
        Some(Value::Bool(is_held)) => Some(*is_held),
        Some(_) => {
            reasons.add(texts::LEGAL_HOLD_SWITCH);
            None
        }
    };
    reasons.into_result(is_held.map(|is_held| SalonRetention { policy, is_held }))
}

/// Parses an optional number of days. The outer `None` is an invalid value, the inner one an absent one.
#[expect(clippy::option_option, reason = "the outer one is an error")]
fn days(fields: &Fields, name: &str, reasons: &mut ValidationErrors) -> Option<Option<u32>> {
    let number = match fields.get(name) {
        None | Some(Value::Null) => return Some(None),
        Some(value) => value.as_u64().and_then(|days| u32::try_from(days).ok()),
    };
    reasons.note(number.ok_or(()), |()| bounds(name)).map(Some)
}

fn policy(
    archive: u32,
    delete: Option<u32>,
    reasons: &mut ValidationErrors,
) -> Option<RetentionPolicy> {
    reasons.note(RetentionPolicy::new(archive, delete), |invalid| match invalid {
        InvalidRetention::ArchiveAfter => bounds(ARCHIVE),
        InvalidRetention::DeleteAfter => bounds(DELETE),
    })
}

fn bounds(name: &str) -> Text {
    let min = if name == DELETE { DELETE_AFTER_DAYS_MIN } else { 1 };
    texts::days_between(name, min, RETENTION_DAYS_MAX)
}
