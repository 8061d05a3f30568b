//! The header of a WebSocket frame (RFC 6455, 5.2).

use bytes::{BufMut as _, BytesMut};

/// Two bytes, up to eight of extended length, and four of mask.
pub(super) const MAX_HEADER_BYTES: usize = 14;

/// The opcodes of data frames.
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// A complete header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The last-fragment flag, the three reserved bits and the opcode.
    pub(super) first: u8,
    pub(super) mask: Option<[u8; 4]>,
    /// The length of the payload.
    pub(super) length: u64,
    /// The length of the header itself.
    pub(super) len: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`. `None` while it is incomplete.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let extended_len = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let extended = bytes.get(2..2 + extended_len)?;
        let length = if extended.is_empty() {
            u64::from(second & 0x7F)
        } else {
            extended.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
        };
        let len = 2 + extended_len;
        if second & 0x80 == 0 {
            return Some(Self { first, mask: None, length, len });
        }
        let mask = bytes.get(len..len + 4)?.try_into().ok()?;
        Some(Self { first, mask: Some(mask), length, len: len + 4 })
    }

    pub(super) fn is_last(&self) -> bool {
        self.first & 0x80 != 0
    }

    pub(super) fn opcode(&self) -> u8 {
        self.first & 0x0F
    }

    /// Whether it is a close, a ping or a pong.
    pub(super) fn is_control(&self) -> bool {
        self.opcode() >= 8
    }

    /// Whether it continues a message.
    pub(super) fn is_continuation(&self) -> bool {
        self.opcode() == CONTINUATION
    }

    /// Whether it starts a message that is text.
    pub(super) fn is_text(&self) -> bool {
        self.opcode() == TEXT
    }

    /// Whether it starts a message.
    pub(super) fn is_first(&self) -> bool {
        matches!(self.opcode(), TEXT | BINARY)
    }
}

/// Writes a header. A mask of zeros leaves the payload unchanged.
pub(super) fn write(to: &mut BytesMut, first: u8, length: usize, mask: Option<[u8; 4]>) {
    let mask_bit = if mask.is_some() { 0x80 } else { 0 };
    to.put_u8(first);
    if let Ok(short @ 0..126) = u8::try_from(length) {
        to.put_u8(mask_bit | short);
    } else if let Ok(medium) = u16::try_from(length) {
        to.put_u8(mask_bit | 0x7E);
        to.put_u16(medium);
    } else {
        to.put_u8(mask_bit | 0x7F);
        to.put_u64(length as u64);
    }
    if let Some(mask) = mask {
        to.put_slice(&mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_no_sooner_than_it_is_complete() {
        for length in [0, 125, 126, 65_535, 65_536] {
            for mask in [None, Some([0; 4]), Some([1, 2, 3, 4])] {
                let mut bytes = BytesMut::new();
                write(&mut bytes, 0x82, length, mask);
                let header = Header::parse(&bytes).expect("complete");
                assert_eq!((header.first, header.len), (0x82, bytes.len()));
                assert_eq!(header.length, length as u64);
                assert_eq!(header.mask, mask);
                assert!((0..bytes.len()).all(|len| Header::parse(&bytes[..len]).is_none()));
            }
        }
    }
}
