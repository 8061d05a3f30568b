//! The reading half of a WebSocket.

use std::{cell::Cell, io, rc::Rc};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};

use super::frame_header::{Header, MAX_HEADER_BYTES};
use crate::engine::{Fault, Incoming};

/// Reads whole messages in order.
pub(super) struct Reader {
    stream: AggregatedMessageStream,
    fault: Rc<Cell<Option<Fault>>>,
}

impl Reader {
    pub(super) fn new(stream: AggregatedMessageStream, fault: Rc<Cell<Option<Fault>>>) -> Self {
        Self { stream, fault }
    }

    /// Waits for the next message. Cancellation-safe.
    pub(super) async fn next(&mut self) -> Incoming {
        match self.stream.recv().await {
            Some(Ok(AggregatedMessage::Text(text))) => Incoming::Text(text),
            Some(Ok(AggregatedMessage::Binary(bytes))) => Incoming::Binary(bytes),
            Some(Ok(AggregatedMessage::Ping(bytes))) => Incoming::Ping(bytes),
            Some(Ok(AggregatedMessage::Pong(_))) => Incoming::Pong,
            Some(Ok(AggregatedMessage::Close(_))) => Incoming::Closed,
            None => self.fault.get().map_or(Incoming::Closed, Incoming::Fault),
            Some(Err(error)) => Incoming::Fault(fault(&error)),
        }
    }
}

/// `FrameLimiter` has already refused bad sizes, reserved bits and lost connections, so invalid data
/// here can only be text that is not UTF-8.
fn fault(error: &ProtocolError) -> Fault {
    match error {
        ProtocolError::Overflow => Fault::TooBig,
        ProtocolError::Io(error) if error.kind() == io::ErrorKind::InvalidData => Fault::NotText,
        ProtocolError::Io(_) => Fault::Broken,
        _ => Fault::Protocol,
    }
}

// Reads the headers of WebSocket frames (RFC 6455, 5.2) in a byte stream with arbitrary chunks.

/// Maximum fragments of one message, more than any real client sends. Each fragment costs memory
/// beyond its payload.
const MAX_FRAGMENTS: usize = 4096;

/// Maximum payload of a close, ping or pong frame (RFC 6455, 5.5).
const MAX_CONTROL_BYTES: u64 = 125;

/// Tracks the frames of a byte stream.
#[derive(Debug)]
pub(super) struct FrameScanner {
    /// May change between messages.
    max_message_bytes: Rc<Cell<usize>>,
    header: [u8; MAX_HEADER_BYTES],
    header_len: usize,
    /// Remaining bytes of the current frame's payload.
    payload_left: u64,
    /// Size and number of fragments of the current message so far.
    message_bytes: u64,
    fragments: usize,
}

impl FrameScanner {
    pub(super) fn new(max_message_bytes: Rc<Cell<usize>>) -> Self {
        Self {
            max_message_bytes,
            header: [0; MAX_HEADER_BYTES],
            header_len: 0,
            payload_left: 0,
            message_bytes: 0,
            fragments: 0,
        }
    }

    /// Processes the next bytes. A fault is returned with the number of bytes before the faulty
    /// frame.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), (usize, Fault)> {
        let (mut at, mut frame_start) = (0, 0);
        while at < bytes.len() {
            if self.payload_left > 0 {
                let rest = bytes.len() - at;
                let step = usize::try_from(self.payload_left).map_or(rest, |left| left.min(rest));
                self.payload_left -= step as u64;
                at += step;
                continue;
            }
            if self.header_len == 0 {
                frame_start = at;
            }
            self.header[self.header_len] = bytes[at];
            self.header_len += 1;
            at += 1;
            self.check_frame().map_err(|fault| (frame_start, fault))?;
        }
        Ok(())
    }

    /// Checks the current frame once its header is complete.
    fn check_frame(&mut self) -> Result<(), Fault> {
        let Some(header) = Header::parse(&self.header[..self.header_len]) else {
            return Ok(());
        };
        let Header { first, length, .. } = header;
        if first & 0x70 != 0 {
            return Err(Fault::Protocol);
        }
        if header.is_control() {
            if length > MAX_CONTROL_BYTES {
                return Err(Fault::Protocol);
            }
        } else {
            self.message_bytes = self.message_bytes.saturating_add(length);
            self.fragments += 1;
            let max_bytes = u64::try_from(self.max_message_bytes.get()).unwrap_or(u64::MAX);
            if self.message_bytes > max_bytes || self.fragments > MAX_FRAGMENTS {
                return Err(Fault::TooBig);
            }
            if header.is_last() {
                (self.message_bytes, self.fragments) = (0, 0);
            }
        }
        self.payload_left = length;
        self.header_len = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: usize) -> Vec<u8> {
        let mut bytes = vec![first];
        if let Ok(short @ 0..126) = u8::try_from(payload) {
            bytes.push(0x80 | short);
        } else {
            bytes.push(0xFE);
            bytes.extend(u16::try_from(payload).expect("medium").to_be_bytes());
        }
        bytes.extend([0; 4]);
        bytes.extend(vec![b'x'; payload]);
        bytes
    }

    fn scanner(max_message_bytes: usize) -> FrameScanner {
        FrameScanner::new(Rc::new(Cell::new(max_message_bytes)))
    }

    /// Feeds the bytes in chunks of `step`.
    fn read_in_steps(scanner: &mut FrameScanner, bytes: &[u8], step: usize) -> Result<(), Fault> {
        bytes.chunks(step).try_for_each(|chunk| scanner.read(chunk).map_err(|(_, fault)| fault))
    }

    #[test]
    fn a_message_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        for step in [1, 3, 1000] {
            let mut scanner = scanner(200);
            let two = [frame(0x81, 200), frame(0x82, 200)].concat();
            assert_eq!(read_in_steps(&mut scanner, &two, step), Ok(()));
            assert_eq!(read_in_steps(&mut scanner, &frame(0x81, 201), step), Err(Fault::TooBig));
        }
    }

    #[test]
    fn fragments_count_as_one_message_and_a_ping_between_them_does_not() {
        let mut scanner = scanner(200);
        let sound = [frame(0x01, 100), frame(0x89, 100), frame(0x00, 100)].concat();
        assert_eq!(scanner.read(&sound), Ok(()));
        assert_eq!(scanner.read(&frame(0x80, 1)), Err((0, Fault::TooBig)));
    }

    #[test]
    fn an_announced_giant_is_refused_at_its_header() {
        let mut scanner = scanner(1000);
        let mut bytes = frame(0x81, 5);
        let sound = bytes.len();
        bytes.extend([0x82, 0xFF]);
        bytes.extend((1_u64 << 40).to_be_bytes());
        bytes.extend([0; 4]);
        assert_eq!(scanner.read(&bytes), Err((sound, Fault::TooBig)));
    }

    #[test]
    fn a_message_in_a_thousand_crumbs_is_refused() {
        let mut scanner = scanner(1_000_000);
        assert_eq!(scanner.read(&frame(0x01, 1)), Ok(()));
        let fragments = frame(0x00, 1).repeat(MAX_FRAGMENTS);
        let (_, fault) = scanner.read(&fragments).expect_err("too many");
        assert_eq!(fault, Fault::TooBig);
    }

    #[test]
    fn reserved_bits_and_long_control_frames_break_the_protocol() {
        assert_eq!(scanner(1000).read(&frame(0xC1, 1)), Err((0, Fault::Protocol)));
        assert_eq!(scanner(1000).read(&frame(0x89, 126)), Err((0, Fault::Protocol)));
    }
}
