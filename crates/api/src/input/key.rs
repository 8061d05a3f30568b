use domain::id::ClientMessageId;

use super::fields::{Fields, Given, Reasons};
use crate::texts;

/// The sender's key for a message, from the body or the `Idempotency-Key` header. In both they
/// must be the same.
pub(super) fn key(
    fields: &Fields,
    header: Option<&str>,
    reasons: &mut Reasons,
) -> Option<ClientMessageId> {
    let field = match Given::of(fields, "clientMessageId") {
        Given::Nothing => None,
        Given::Text(text) => Some(text),
        Given::Else => {
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
