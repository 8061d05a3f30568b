//! Numbers and ids in few bytes.

use domain::id::{ConversationId, ID_MAX_CHARS};
use uuid::Uuid;

/// Seven bits of a number go into a byte; the eighth says that more follow.
const MORE: u8 = 0x80;
/// In place of a length: the sixteen bytes of a UUID follow.
const UUID: u8 = 0;

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= u64::from(MORE) {
        out.push(low_bits(number) | MORE);
        number >>= 7;
    }
    out.push(low_bits(number));
}

fn low_bits(number: u64) -> u8 {
    number.to_le_bytes()[0] & !MORE
}

pub(super) fn put_id(out: &mut Vec<u8>, id: &ConversationId) {
    match Uuid::try_parse(id.as_str()) {
        Ok(uuid) if ConversationId::from(uuid) == *id => {
            out.push(UUID);
            out.extend_from_slice(uuid.as_bytes());
        }
        _ => {
            // An id has 64 characters at most, so this never cuts.
            out.extend(u8::try_from(id.as_str().len()));
            out.extend_from_slice(id.as_str().as_bytes());
        }
    }
}

/// Takes values from the front; `None` when what is there is no such value.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & !MORE);
            number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
            if byte & MORE == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn id(&mut self) -> Option<ConversationId> {
        let length = usize::from(self.byte()?);
        if length == usize::from(UUID) {
            return Some(Uuid::from_slice(self.take(16)?).ok()?.into());
        }
        let text = std::str::from_utf8(self.take(length.min(ID_MAX_CHARS))?).ok()?;
        ConversationId::parse(text).ok()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }
}
