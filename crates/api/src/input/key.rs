use domain::ids::ClientMessageId;

use super::fields::{Field, Fields, ValidationErrors};
use crate::texts;

/// The sender's key for a message, from the body or the `Idempotency-Key` header. In both they
/// must be the same.
pub(super) fn key(
    fields: &Fields,
    header: Option<&str>,
    reasons: &mut ValidationErrors,
) -> Option<ClientMessageId> {
    let field = match Field::of(fields, "clientMessageId") {
        Field::Nothing => None,
        Field::Text(text) => Some(text),
        Field::Else => {
            reasons.add(texts::KEY_INVALID);
            return None;
        }
    };
    if let (Some(field), Some(header)) = (field, header)
        && field != header
    {
        reasons.add(texts::KEYS_DIFFER);
        return None;
    }
    let key = field.or(header)?;
    reasons.note(ClientMessageId::parse(key), |_| texts::KEY_INVALID)
}
