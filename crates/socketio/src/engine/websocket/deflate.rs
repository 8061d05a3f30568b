//! permessage-deflate: compresses long outgoing messages (RFC 7692, 7.2.1).

use std::{
    cell::RefCell,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::{Bytes, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::frame_header::{self, Header};
use crate::engine::Fault;

/// Shorter messages are not compressed: they would gain too little.
const MIN_BYTES: u64 = 1024;

/// The RSV1 bit of the first frame: the message is compressed.
pub(super) const COMPRESSED: u8 = 0x40;

/// The end of a flushed deflate stream, which is removed from a compressed message.
pub(super) const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

thread_local! {
    /// Shared by all connections of a thread: no state is kept between messages.
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
}

/// The same response, with its long messages compressed.
pub(super) fn deflated(response: HttpResponse) -> HttpResponse {
    response.map_body(|_, body| BoxBody::new(Deflated { body, pending: BytesMut::new() }))
}

struct Deflated {
    body: BoxBody,
    /// An incomplete frame.
    pending: BytesMut,
}

impl MessageBody for Deflated {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        loop {
            match std::task::ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => {
                    self.pending.extend_from_slice(&bytes);
                    let frames = frames(&mut self.pending);
                    if !frames.is_empty() {
                        return Poll::Ready(Some(Ok(frames)));
                    }
                }
                end => return Poll::Ready(end),
            }
        }
    }
}

/// Removes the complete frames from `pending`, and compresses them where that makes them shorter.
fn frames(pending: &mut BytesMut) -> Bytes {
    let mut out = BytesMut::new();
    while let Some(header) = Header::parse(pending) {
        let Some(end) = usize::try_from(header.length)
            .ok()
            .and_then(|length| header.len.checked_add(length))
            .filter(|end| *end <= pending.len())
        else {
            break;
        };
        let frame = pending.split_to(end);
        let is_whole = header.is_first() && header.is_last();
        let compressed = if is_whole && header.length >= MIN_BYTES {
            deflate(&frame[header.len..])
        } else {
            None
        };
        if let Some(compressed) = compressed {
            frame_header::write(&mut out, header.first | COMPRESSED, compressed.len(), None);
            out.extend_from_slice(&compressed);
        } else {
            out.extend_from_slice(&frame);
        }
    }
    out.freeze()
}

/// The compressed message. `None` when it would not be shorter.
pub(super) fn deflate(mut message: &[u8]) -> Option<Vec<u8>> {
    let longest = message.len();
    let mut output = Vec::with_capacity(longest / 2 + 64);
    DEFLATER.with_borrow_mut(|deflater| {
        deflater.reset();
        loop {
            let taken = deflater.total_in();
            let status = deflater.compress_vec(message, &mut output, FlushCompress::Sync).ok()?;
            message = &message[usize::try_from(deflater.total_in() - taken).ok()?..];
            if message.is_empty() && output.len() < output.capacity() {
                break;
            }
            if status == Status::StreamEnd || output.len() > longest {
                return None;
            }
            output.reserve(longest / 2 + 64);
        }
        let without_tail = output.strip_suffix(&TAIL)?.len();
        output.truncate(without_tail);
        (output.len() < longest).then_some(output)
    })
}

// Converts compressed messages of a client into plain frames (RFC 7692, 7.2.2), within a size limit.

/// The step by which the output buffer grows.
const STEP_BYTES: usize = 16 * 1024;

thread_local! {
    /// Shared by all connections of a thread: no state is kept between messages.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Inflates the compressed messages in a byte stream; other frames pass unchanged.
#[derive(Debug)]
pub(super) struct Inflate {
    max_message_bytes: usize,
    /// An incomplete header or compressed frame.
    pending: BytesMut,
    /// Remaining bytes of a payload that passes unchanged.
    passing: u64,
    message: Option<Message>,
}

/// A compressed message whose frames have not all arrived.
#[derive(Debug)]
struct Message {
    opcode: u8,
    compressed: BytesMut,
}

impl Inflate {
    pub(super) fn new(max_message_bytes: usize) -> Self {
        Self { max_message_bytes, pending: BytesMut::new(), passing: 0, message: None }
    }

    /// Processes the next bytes. A fault is returned with the plain bytes before it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> (Bytes, Option<Fault>) {
        self.pending.extend_from_slice(bytes);
        let mut plain = BytesMut::new();
        let outcome = loop {
            match self.step(&mut plain) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(fault) => break Some(fault),
            }
        };
        (plain.freeze(), outcome)
    }

    /// Processes one header or payload. `false` when more input is needed.
    fn step(&mut self, plain: &mut BytesMut) -> Result<bool, Fault> {
        if self.passing > 0 {
            let rest = self.pending.len();
            let step = usize::try_from(self.passing).map_or(rest, |left| left.min(rest));
            plain.extend_from_slice(&self.pending.split_to(step));
            self.passing -= step as u64;
            return Ok(step > 0);
        }
        let Some(header) = Header::parse(&self.pending) else {
            return Ok(false);
        };
        let is_compressed = header.is_first() && header.first & COMPRESSED != 0;
        let continues = header.is_continuation() && self.message.is_some();
        if !is_compressed && !continues {
            plain.extend_from_slice(&self.pending.split_to(header.len));
            self.passing = header.length;
            return Ok(true);
        }
        self.collect(header, plain)
    }

    /// Appends one frame of a compressed message, once the frame is complete.
    fn collect(&mut self, header: Header, plain: &mut BytesMut) -> Result<bool, Fault> {
        let collected = self.message.as_ref().map_or(0, |message| message.compressed.len());
        let length = usize::try_from(header.length).map_err(|_| Fault::TooBig)?;
        if collected.saturating_add(length) > self.max_message_bytes {
            return Err(Fault::TooBig);
        }
        if header.is_first() == self.message.is_some() || header.first & 0x30 != 0 {
            return Err(Fault::Protocol);
        }
        let Some(mask) = header.mask else {
            return Err(Fault::Protocol);
        };
        if self.pending.len() < header.len + length {
            return Ok(false);
        }
        drop(self.pending.split_to(header.len));
        let mut payload = self.pending.split_to(length);
        for (byte, key) in payload.iter_mut().zip(mask.into_iter().cycle()) {
            *byte ^= key;
        }
        let opcode = header.opcode();
        let message =
            self.message.get_or_insert_with(|| Message { opcode, compressed: BytesMut::new() });
        message.compressed.unsplit(payload);
        if header.is_last()
            && let Some(message) = self.message.take()
        {
            message.release(self.max_message_bytes, plain)?;
        }
        Ok(true)
    }
}

impl Message {
    /// Writes the message as one plain frame.
    fn release(mut self, max_bytes: usize, plain: &mut BytesMut) -> Result<(), Fault> {
        self.compressed.extend_from_slice(&TAIL);
        let message = inflate(&self.compressed, max_bytes)?;
        frame_header::write(plain, 0x80 | self.opcode, message.len(), Some([0; 4]));
        plain.extend_from_slice(&message);
        Ok(())
    }
}

/// Inflates `input`. The output never exceeds the limit by more than one step, whatever the input.
fn inflate(mut input: &[u8], max_bytes: usize) -> Result<Vec<u8>, Fault> {
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        let mut output = Vec::new();
        loop {
            output.reserve(STEP_BYTES);
            let (taken, grown) = (inflater.total_in(), output.len());
            let status = inflater
                .decompress_vec(input, &mut output, FlushDecompress::Sync)
                .map_err(|_| Fault::Protocol)?;
            if output.len() > max_bytes {
                return Err(Fault::TooBig);
            }
            let taken = usize::try_from(inflater.total_in() - taken).unwrap_or(input.len());
            input = &input[taken..];
            let is_done = input.is_empty() && output.len() < output.capacity();
            if is_done || status == Status::StreamEnd {
                return Ok(output);
            }
            if taken == 0 && output.len() == grown {
                return Err(Fault::Protocol);
            }
        }
    })
}

#[cfg(test)]
mod deflate_tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::new();
        frame_header::write(&mut bytes, first, payload.len(), None);
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn only_long_messages_that_become_shorter_are_compressed() {
        let short = frame(0x81, &[b'x'; 1023]);
        assert_eq!(frames(&mut short.clone()), short);
        let long = frames(&mut frame(0x81, &[b'x'; 1024]));
        assert_eq!(long[0], 0xC1);
        assert!(long.len() < 100);
        let mut seed = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        })
        .take(2_000)
        .collect();
        let noise = frame(0x82, &noise);
        assert_eq!(frames(&mut noise.clone()), noise);
    }

    #[test]
    fn a_frame_cut_in_two_is_waited_for() {
        let whole = frame(0x81, b"hello");
        let mut pending = BytesMut::from(&whole[..3]);
        assert!(frames(&mut pending).is_empty());
        pending.extend_from_slice(&whole[3..]);
        assert_eq!(frames(&mut pending), whole);
    }
}

#[cfg(test)]
mod inflate_tests {
    use super::*;

    const MAX: usize = 100_000;

    fn compressed(message: &[u8]) -> Vec<u8> {
        deflate(message).expect("compressible")
    }

    /// A frame as clients send it.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        frame_header::write(&mut bytes, first, payload.len(), Some([0; 4]));
        let mask_at = bytes.len() - 4;
        bytes[mask_at..].copy_from_slice(&[1, 2, 3, 4]);
        bytes.extend(payload.iter().zip([1, 2, 3, 4].into_iter().cycle()).map(|(a, b)| a ^ b));
        bytes.to_vec()
    }

    fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        frame_header::write(&mut bytes, first, payload.len(), Some([0; 4]));
        bytes.extend_from_slice(payload);
        bytes.to_vec()
    }

    fn read(bytes: &[u8], step: usize) -> (Vec<u8>, Option<Fault>) {
        let mut inflate = Inflate::new(MAX);
        let mut all = Vec::new();
        for chunk in bytes.chunks(step) {
            let (some, fault) = inflate.read(chunk);
            all.extend_from_slice(&some);
            if fault.is_some() {
                return (all, fault);
            }
        }
        (all, None)
    }

    #[test]
    fn a_message_is_inflated_however_it_is_cut_and_others_pass_as_they_are() {
        let text = b"hello ".repeat(2_000);
        let (first, second) = (compressed(&text), frame(0x81, b"plain"));
        let (front, back) = first.split_at(first.len() / 2);
        let ping = frame(0x89, b"?");
        let bytes = [
            second.clone(),
            frame(0x41, front),
            ping.clone(),
            frame(0x80, back),
            frame(0xC2, &first),
        ];
        let expected = [second, ping, plain(0x81, &text), plain(0x82, &text)].concat();
        for step in [1, 7, 100_000] {
            assert_eq!(read(&bytes.concat(), step), (expected.clone(), None));
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        let bomb = frame(0xC1, &compressed(&vec![b'x'; MAX + 1]));
        assert!(bomb.len() < 1_000);
        assert_eq!(read(&bomb, 50), (Vec::new(), Some(Fault::TooBig)));
        let fits = frame(0xC1, &compressed(&vec![b'x'; MAX]));
        assert_eq!(read(&fits, 50).1, None);
    }

    #[test]
    fn an_announced_giant_is_refused_at_its_header() {
        let mut announced = vec![0xC1, 0xFF];
        announced.extend((1_u64 << 40).to_be_bytes());
        announced.extend([0; 4]);
        assert_eq!(read(&announced, 100).1, Some(Fault::TooBig));
    }

    #[test]
    fn what_is_not_compressed_data_breaks_the_protocol() {
        assert_eq!(read(&frame(0xC1, &[0xFF; 20]), 100).1, Some(Fault::Protocol));
        let nested = [frame(0x41, b"x"), frame(0xC1, b"x")].concat();
        assert_eq!(read(&nested, 100).1, Some(Fault::Protocol));
    }
}
