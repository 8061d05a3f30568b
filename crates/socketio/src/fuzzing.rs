//! What the fuzz targets call. Each of these must return for every input; a panic is a find.

mod script;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use bytestring::ByteString;

use crate::{
    engine::{
        EnginePacket,
        payload::{Part, Parts, push_text},
    },
    packet::{Decoder, Limits},
};

pub use script::session;

/// Divides an input into messages. One that starts with `!` is binary.
const DIVIDER: u8 = b'\n';

/// Socket.IO packets, with their attachments. What decodes must survive encoding.
///
/// # Panics
/// When it does not.
pub fn packets(input: &[u8]) {
    let mut decoder = Decoder::new(Limits { max_attachments: 10, max_packet_bytes: 10_000 });
    for message in messages(input) {
        let outcome = match message {
            Part::Text(text) => decoder.text(&text),
            Part::Binary(bytes) => decoder.binary(bytes),
        };
        match outcome {
            Ok(Some(packet)) => {
                let encoded = packet.encode().expect("what was JSON is JSON");
                assert!(encoded.0.starts_with('4'));
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

/// Bodies of polling requests. The parts put together again are the same parts.
///
/// # Panics
/// When they are not.
pub fn payload(input: &[u8]) {
    let Ok(body) = ByteString::try_from(input) else {
        return;
    };
    let mut rebuilt = String::new();
    let mut texts = Vec::new();
    for part in Parts::of(body) {
        let Ok(Part::Text(text)) = part else { continue };
        if EnginePacket::parse(&text).is_ok() {
            push_text(&mut rebuilt, &text);
            texts.push(text);
        }
    }
    if !texts.is_empty() {
        let again: Vec<_> = Parts::of(rebuilt.into()).collect();
        let texts: Vec<_> = texts.into_iter().map(|text| Ok(Part::Text(text))).collect();
        assert_eq!(again, texts);
    }
}

fn messages(input: &[u8]) -> impl Iterator<Item = Part> {
    input.split(|byte| *byte == DIVIDER).map(|message| match message.strip_prefix(b"!") {
        Some(bytes) => Part::Binary(Bytes::copy_from_slice(bytes)),
        None => Part::Text(String::from_utf8_lossy(message).into_owned().into()),
    })
}
