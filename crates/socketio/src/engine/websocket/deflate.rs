//! Compresses long messages on their way out (RFC 7692, 7.2.1).

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
use flate2::{Compress, Compression, FlushCompress, Status};

use super::header::{self, Header};

/// Messages below this gain too little to be worth it.
const MIN_BYTES: u64 = 1024;

/// "This message is compressed."
pub(super) const COMPRESSED: u8 = 0x40;

/// What a flush leaves at the end, and a compressed message leaves off.
pub(super) const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

thread_local! {
    /// Nothing is kept between messages, so all connections of a thread share one.
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
}

/// The same response, with its long messages compressed.
pub(super) fn deflated(response: HttpResponse) -> HttpResponse {
    response.map_body(|_, body| BoxBody::new(Deflated { body, pending: BytesMut::new() }))
}

struct Deflated {
    body: BoxBody,
    /// A frame that is incomplete.
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

/// Takes every complete frame out of `pending`, and compresses those it pays for.
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
            header::write(&mut out, header.first | COMPRESSED, compressed.len(), false);
            out.extend_from_slice(&compressed);
        } else {
            out.extend_from_slice(&frame);
        }
    }
    out.freeze()
}

/// A message compressed by itself. `None` when that makes it no shorter.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::new();
        header::write(&mut bytes, first, payload.len(), false);
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
