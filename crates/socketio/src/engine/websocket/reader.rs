//! The reading half of a WebSocket.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io,
    ops::Range,
    rc::Rc,
};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};
use bytes::{Bytes, BytesMut};

use super::frame_header::{self, Header, MAX_HEADER_BYTES};
use crate::engine::{Fault, Incoming};

/// Reads whole messages in order.
pub(super) struct Reader {
    stream: AggregatedMessageStream,
    fault: Rc<Cell<Option<Fault>>>,
    cuts: Cuts,
    /// Data messages read so far.
    messages: u64,
}

impl Reader {
    pub(super) fn new(
        stream: AggregatedMessageStream,
        fault: Rc<Cell<Option<Fault>>>,
        cuts: Cuts,
    ) -> Self {
        Self { stream, fault, cuts, messages: 0 }
    }

    /// Waits for the next message. Cancellation-safe.
    pub(super) async fn next(&mut self) -> Incoming {
        match self.stream.recv().await {
            Some(Ok(AggregatedMessage::Text(text))) => match self.next_cut() {
                None => Incoming::Text(text),
                Some(bytes) => Incoming::CutText { head: text, bytes },
            },
            Some(Ok(AggregatedMessage::Binary(head))) => match self.next_cut() {
                None => Incoming::Binary(head),
                Some(bytes) => Incoming::CutBinary { bytes },
            },
            Some(Ok(AggregatedMessage::Ping(bytes))) => Incoming::Ping(bytes),
            Some(Ok(AggregatedMessage::Pong(_))) => Incoming::Pong,
            Some(Ok(AggregatedMessage::Close(_))) => Incoming::Closed,
            None => self.fault.get().map_or(Incoming::Closed, Incoming::Fault),
            Some(Err(error)) => Incoming::Fault(fault(&error)),
        }
    }

    /// The length that the data message just read had, if it was cut.
    fn next_cut(&mut self) -> Option<usize> {
        let number = self.messages;
        self.messages += 1;
        self.cuts.take(number)
    }
}

/// `FrameFilter` has already refused bad sizes, reserved bits and lost connections, so invalid data
/// here can only be text that is not UTF-8.
fn fault(error: &ProtocolError) -> Fault {
    match error {
        ProtocolError::Overflow => Fault::TooBig,
        ProtocolError::Io(error) if error.kind() == io::ErrorKind::InvalidData => Fault::NotText,
        ProtocolError::Io(_) => Fault::Broken,
        _ => Fault::Protocol,
    }
}

/// Which data messages of a connection were cut, by their numbers from 0. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts(Rc<RefCell<VecDeque<Cut>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    message: u64,
    /// The length of the whole message.
    bytes: usize,
}

impl Cuts {
    fn add(&self, message: u64, bytes: u64) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.0.borrow_mut().push_back(Cut { message, bytes });
    }

    /// Forgets the cut of this message, and returns its length.
    fn take(&self, message: u64) -> Option<usize> {
        let mut cuts = self.0.borrow_mut();
        let cut = *cuts.front().filter(|cut| cut.message == message)?;
        cuts.pop_front();
        Some(cut.bytes)
    }
}

// Reads the headers of WebSocket frames (RFC 6455, 5.2) in a byte stream with arbitrary chunks, and leaves out
// what nobody keeps of long messages, before `actix-ws` collects whole frames.

/// Maximum fragments of one message, more than any real client sends. Each fragment costs memory
/// beyond its payload.
const MAX_FRAGMENTS: usize = 4096;

/// Maximum payload of a close, ping or pong frame (RFC 6455, 5.5).
const MAX_CONTROL_BYTES: u64 = 125;

/// The first byte of the last fragment of a message.
const LAST_CONTINUATION: u8 = 0x80;

/// Filters the frames of a byte stream. Of a message longer than `kept_bytes` the rest is left out: the frame
/// that crosses the bound is passed on shorter, as one that is not the last, and those after it are not. At the
/// end of the message a last fragment is passed on, with the bytes that complete the last character of text.
#[derive(Debug)]
pub(super) struct FrameFilter {
    /// May change between messages.
    max_message_bytes: Rc<Cell<usize>>,
    /// The bytes of a message that are passed on.
    kept_bytes: u64,
    header: [u8; MAX_HEADER_BYTES],
    header_len: usize,
    frame: Frame,
    message: Message,
    /// Data messages that ended so far.
    messages: u64,
    cuts: Cuts,
}

/// The rest of the current frame.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    is_data: bool,
    is_last: bool,
    /// Remaining bytes of its payload, and how many of them are passed on.
    left: u64,
    kept: u64,
    /// Turned so that it begins with the next byte of the payload.
    mask: [u8; 4],
}

/// The current message so far.
#[derive(Clone, Copy, Debug, Default)]
struct Message {
    bytes: u64,
    fragments: usize,
    is_text: bool,
    is_cut: bool,
    /// The last bytes that were passed on, the newest in the lowest byte.
    last: u32,
    /// Bytes that complete the last character of those, and how many it lacks.
    rest: [u8; 3],
    rest_len: usize,
    missing: Option<usize>,
}

impl FrameFilter {
    pub(super) fn new(max_message_bytes: Rc<Cell<usize>>, kept_bytes: usize, cuts: Cuts) -> Self {
        Self {
            max_message_bytes,
            kept_bytes: u64::try_from(kept_bytes).unwrap_or(u64::MAX),
            header: [0; MAX_HEADER_BYTES],
            header_len: 0,
            frame: Frame::default(),
            message: Message::default(),
            messages: 0,
            cuts,
        }
    }

    /// Processes the next bytes. Returns what is passed on, and the fault of the frame that ended it, if any.
    pub(super) fn read(&mut self, bytes: &Bytes) -> (Bytes, Option<Fault>) {
        let (mut at, mut passed) = (0, Passed::of(bytes));
        while at < bytes.len() {
            if self.frame.left > 0 {
                at = self.read_payload(bytes, at, &mut passed);
            } else {
                self.header[self.header_len] = bytes[at];
                self.header_len += 1;
                at += 1;
                let Some(header) = Header::parse(&self.header[..self.header_len]) else { continue };
                if let Err(fault) = self.begin_frame(header, at, &mut passed) {
                    return (passed.finish(), Some(fault));
                }
                self.header_len = 0;
            }
            if self.frame.left == 0 {
                self.end_frame(&mut passed);
            }
        }
        (passed.finish(), None)
    }

    /// Checks the header that ends before `at`, and passes it on.
    fn begin_frame(
        &mut self,
        header: Header,
        at: usize,
        passed: &mut Passed<'_>,
    ) -> Result<(), Fault> {
        if header.first & 0x70 != 0 {
            return Err(Fault::Protocol);
        }
        let (is_data, left) = (!header.is_control(), header.length);
        let was_cut = is_data && self.message.is_cut;
        let kept = if is_data { self.count(header)? } else { left };
        if !is_data && left > MAX_CONTROL_BYTES {
            return Err(Fault::Protocol);
        }
        let mask = header.mask.unwrap_or_default();
        self.frame = Frame { is_data, is_last: header.is_last(), left, kept, mask };
        if was_cut {
            return Ok(());
        }
        if kept < left {
            let mut shorter = BytesMut::with_capacity(MAX_HEADER_BYTES);
            let kept = usize::try_from(kept).unwrap_or(usize::MAX);
            frame_header::write(&mut shorter, header.first & 0x7F, kept, header.mask);
            passed.insert(&shorter);
        } else if let Some(start) = at.checked_sub(header.len) {
            passed.pass(start..at);
        } else {
            // It began in an earlier chunk.
            passed.insert(&self.header[..self.header_len]);
        }
        Ok(())
    }

    /// Counts a frame of the current message. Returns how many bytes of it are passed on.
    fn count(&mut self, header: Header) -> Result<u64, Fault> {
        let message = &mut self.message;
        let kept = header.length.min(self.kept_bytes.saturating_sub(message.bytes));
        message.bytes = message.bytes.saturating_add(header.length);
        message.fragments += 1;
        message.is_text |= header.is_text();
        message.is_cut |= kept < header.length;
        let max_bytes = u64::try_from(self.max_message_bytes.get()).unwrap_or(u64::MAX);
        if message.bytes > max_bytes || message.fragments > MAX_FRAGMENTS {
            return Err(Fault::TooBig);
        }
        Ok(kept)
    }

    /// Reads payload from `at` on, either kept or not. Returns where that ends.
    fn read_payload(&mut self, bytes: &[u8], at: usize, passed: &mut Passed<'_>) -> usize {
        let Self { frame, message, .. } = self;
        let is_kept = frame.kept > 0;
        let (count, rest) = (if is_kept { frame.kept } else { frame.left }, bytes.len() - at);
        let step = usize::try_from(count).map_or(rest, |count| count.min(rest));
        let payload = &bytes[at..at + step];
        if is_kept {
            passed.pass(at..at + step);
            frame.kept -= step as u64;
        }
        if frame.is_data && message.is_text {
            message.read_text(payload, frame.mask, is_kept);
        }
        frame.left -= step as u64;
        frame.mask.rotate_left(step % 4);
        at + step
    }

    fn end_frame(&mut self, passed: &mut Passed<'_>) {
        let Frame { is_data: true, is_last: true, .. } = self.frame else { return };
        let Message { bytes, is_cut, rest, rest_len, .. } = std::mem::take(&mut self.message);
        if is_cut {
            let mut last = BytesMut::with_capacity(MAX_HEADER_BYTES);
            frame_header::write(&mut last, LAST_CONTINUATION, rest_len, Some([0; 4]));
            passed.insert(&last);
            passed.insert(&rest[..rest_len]);
            self.cuts.add(self.messages, bytes);
        }
        self.messages += 1;
        self.frame = Frame::default();
    }
}

impl Message {
    /// Keeps the ends of what is passed on, and what completes its last character.
    fn read_text(&mut self, payload: &[u8], mask: [u8; 4], is_kept: bool) {
        let plain = |(at, byte): (usize, &u8)| byte ^ mask[at % 4];
        if is_kept {
            let last = payload.iter().enumerate().skip(payload.len().saturating_sub(3));
            self.last = last.map(plain).fold(self.last, |last, byte| last << 8 | u32::from(byte));
            return;
        }
        let missing = *self.missing.get_or_insert_with(|| missing_bytes(self.last));
        let lacks = missing.saturating_sub(self.rest_len);
        for byte in payload.iter().enumerate().take(lacks).map(plain) {
            self.rest[self.rest_len] = byte;
            self.rest_len += 1;
        }
    }
}

/// How many bytes the last character lacks of text that ends with `last`: at most three.
fn missing_bytes(last: u32) -> usize {
    let newest_first = last.to_le_bytes();
    let lead = newest_first.iter().take(3).position(|byte| byte & 0xC0 != 0x80);
    lead.map_or(0, |at| {
        let len = match newest_first[at] {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
            _ => 1,
        };
        usize::saturating_sub(len, at + 1)
    })
}

/// The bytes of a chunk that are passed on. As long as they are all of one piece, none is copied.
struct Passed<'a> {
    bytes: &'a Bytes,
    /// The newest piece.
    piece: Range<usize>,
    /// What comes before it.
    before: BytesMut,
}

impl<'a> Passed<'a> {
    fn of(bytes: &'a Bytes) -> Self {
        Self { bytes, piece: 0..0, before: BytesMut::new() }
    }

    fn pass(&mut self, range: Range<usize>) {
        if self.piece.is_empty() {
            self.piece = range;
        } else if self.piece.end == range.start {
            self.piece.end = range.end;
        } else {
            self.insert(&[]);
            self.piece = range;
        }
    }

    fn insert(&mut self, bytes: &[u8]) {
        self.before.extend_from_slice(&self.bytes[std::mem::take(&mut self.piece)]);
        self.before.extend_from_slice(bytes);
    }

    fn finish(mut self) -> Bytes {
        if self.before.is_empty() {
            return self.bytes.slice(self.piece);
        }
        self.insert(&[]);
        self.before.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let (mut bytes, mask) = (BytesMut::new(), [7, 11, 13, 17]);
        frame_header::write(&mut bytes, first, payload.len(), Some(mask));
        let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        bytes.extend(masked.collect::<Vec<_>>());
        bytes.to_vec()
    }

    fn zeros(first: u8, len: usize) -> Vec<u8> {
        frame(first, &vec![b'x'; len])
    }

    fn filter(max_message_bytes: usize) -> FrameFilter {
        let max_message_bytes = Rc::new(Cell::new(max_message_bytes));
        FrameFilter::new(max_message_bytes, usize::MAX, Cuts::default())
    }

    /// Feeds the bytes in chunks of `step`. Returns what is passed on.
    fn read_in_steps(
        filter: &mut FrameFilter,
        bytes: &[u8],
        step: usize,
    ) -> Result<Vec<u8>, Fault> {
        let mut passed = Vec::new();
        for chunk in bytes.chunks(step) {
            let (bytes, fault) = filter.read(&Bytes::copy_from_slice(chunk));
            passed.extend_from_slice(&bytes);
            fault.map_or(Ok(()), Err)?;
        }
        Ok(passed)
    }

    /// The frames in `bytes`, unmasked, each with its first byte.
    fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut frames = Vec::new();
        while let Some(header) = Header::parse(bytes) {
            let (start, len) = (header.len, usize::try_from(header.length).expect("short"));
            let mask = header.mask.expect("frames of clients are masked");
            let payload = bytes[start..start + len].iter().zip(mask.iter().cycle());
            frames.push((header.first, payload.map(|(byte, mask)| byte ^ mask).collect()));
            bytes = &bytes[start + len..];
        }
        assert!(bytes.is_empty(), "whole frames");
        frames
    }

    #[test]
    fn a_message_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        for step in [1, 3, 1000] {
            let mut filter = filter(200);
            let two = [zeros(0x81, 200), zeros(0x82, 200)].concat();
            assert_eq!(read_in_steps(&mut filter, &two, step), Ok(two));
            let longer = zeros(0x81, 201);
            assert_eq!(read_in_steps(&mut filter, &longer, step), Err(Fault::TooBig));
        }
    }

    #[test]
    fn fragments_count_as_one_message_and_a_ping_between_them_does_not() {
        let mut filter = filter(200);
        let sound = [zeros(0x01, 100), zeros(0x89, 100), zeros(0x00, 100)].concat();
        assert_eq!(read_in_steps(&mut filter, &sound, 1_000), Ok(sound));
        let (passed, fault) = filter.read(&zeros(0x80, 1).into());
        assert_eq!((passed.len(), fault), (0, Some(Fault::TooBig)));
    }

    #[test]
    fn an_announced_giant_is_refused_at_its_header() {
        let mut filter = filter(1000);
        let sound = zeros(0x81, 5);
        let mut bytes = sound.clone();
        bytes.extend([0x82, 0xFF]);
        bytes.extend((1_u64 << 40).to_be_bytes());
        bytes.extend([0; 4]);
        assert_eq!(filter.read(&bytes.into()), (sound.into(), Some(Fault::TooBig)));
    }

    #[test]
    fn a_message_in_a_thousand_crumbs_is_refused() {
        let mut filter = filter(1_000_000);
        assert_eq!(filter.read(&zeros(0x01, 1).into()).1, None);
        let fragments = zeros(0x00, 1).repeat(MAX_FRAGMENTS);
        assert_eq!(filter.read(&fragments.into()).1, Some(Fault::TooBig));
    }

    #[test]
    fn reserved_bits_and_long_control_frames_break_the_protocol() {
        assert_eq!(filter(1000).read(&zeros(0xC1, 1).into()).1, Some(Fault::Protocol));
        assert_eq!(filter(1000).read(&zeros(0x89, 126).into()).1, Some(Fault::Protocol));
    }

    #[test]
    fn of_a_long_message_the_beginning_is_passed_on_and_its_length_is_known() {
        let text = "é".repeat(150);
        let fragments = [
            frame(0x01, &text.as_bytes()[..50]),
            zeros(0x89, 3),
            frame(0x00, &text.as_bytes()[50..103]),
            frame(0x00, &text.as_bytes()[103..104]),
            frame(0x80, &text.as_bytes()[104..]),
        ];
        for message in [frame(0x81, text.as_bytes()), fragments.concat()] {
            let bytes = [zeros(0x82, 101), message, zeros(0x82, 102), zeros(0x81, 4)].concat();
            for step in [1, 2, 7, 64, 10_000] {
                let cuts = Cuts::default();
                let bound = Rc::new(Cell::new(1_000));
                let mut filter = FrameFilter::new(bound, 101, cuts.clone());
                let passed = read_in_steps(&mut filter, &bytes, step).expect("sound frames");
                let data = frames(&passed).into_iter().filter(|(first, _)| first & 0x0f < 8);
                let mut messages = vec![Vec::new()];
                for (first, payload) in data {
                    messages.last_mut().expect("one").extend(payload);
                    messages.extend((first & 0x80 != 0).then(Vec::new));
                }
                let lens: Vec<_> = messages.iter().map(Vec::len).collect();
                assert_eq!(lens, [101, 102, 101, 4, 0], "in steps of {step}");
                assert_eq!(messages[1], text.as_bytes()[..102], "whole characters");
                let taken = [0, 1, 2, 3].map(|number| cuts.take(number));
                assert_eq!(taken, [None, Some(300), Some(102), None]);
            }
        }
    }

    #[test]
    fn what_a_character_lacks_is_found_at_its_first_byte() {
        for (text, lacks) in [("a", 0), ("é", 1), ("€", 2), ("𝄞", 3)] {
            for kept in 1..=text.len() {
                let last =
                    text.bytes().take(kept).fold(0, |last, byte| last << 8 | u32::from(byte));
                let expected = if kept == text.len() { 0 } else { lacks + 1 - kept };
                assert_eq!(missing_bytes(last), expected, "{kept} bytes of {text}");
            }
        }
    }
}
