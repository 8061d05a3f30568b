use domain::time::Timestamp;

use super::{
    appointment_event::time,
    fields::{Field, Fields, ValidationErrors},
};
use crate::error::Failure;

/// Parses before when tokens have to be issued to be revoked; `None` when that is not given.
///
/// # Errors
/// A validation failure.
pub fn issued_before(fields: &Fields) -> Result<Option<Timestamp>, Failure> {
    const NAME: &str = "issuedBefore";
    if let Field::Nothing = Field::of(fields, NAME) {
        return Ok(None);
    }
    let mut reasons = ValidationErrors::default();
    let before = time(fields, NAME, &mut reasons);
    reasons.into_result(before.map(Some))
}
