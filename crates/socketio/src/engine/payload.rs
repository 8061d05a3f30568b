//! Bodies of polling requests and their answers: packets with a separator between them.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use bytestring::ByteString;

use crate::{frame::Frame, packet::ParseError};

/// Stands between packets (Engine.IO protocol 4, "payload").
const SEPARATOR: char = '\u{1e}';

/// Padding is written, but not insisted on.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One packet of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A packet in text, its type in front.
    Text(ByteString),
    /// The buffer of a binary message.
    Binary(Bytes),
}

/// The packets of a body, one after the other.
#[derive(Debug)]
pub(crate) struct Parts {
    body: ByteString,
    next: Option<usize>,
}

impl Parts {
    pub(crate) fn of(body: ByteString) -> Self {
        Self { body, next: Some(0) }
    }
}

impl Iterator for Parts {
    type Item = Result<Part, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.body[self.next?..];
        let end = rest.find(SEPARATOR);
        let text = &rest[..end.unwrap_or(rest.len())];
        let part = match text.strip_prefix('b') {
            Some(base64) => {
                let bytes = BASE64.decode(base64).map_err(|_| ParseError::Base64);
                bytes.map(|bytes| Part::Binary(bytes.into()))
            }
            None => Ok(Part::Text(self.body.slice_ref(text))),
        };
        self.next = end.and_then(|end| Some(self.next? + end + SEPARATOR.len_utf8()));
        Some(part)
    }
}

/// Adds the packet `text` to `body`.
pub(crate) fn push_text(body: &mut String, text: &str) {
    if !body.is_empty() {
        body.push(SEPARATOR);
    }
    body.push_str(text);
}

/// Adds a frame, its attachments right behind it, to `body`.
pub(crate) fn push_frame(body: &mut String, frame: Frame) {
    let (text, attachments) = frame.into_parts();
    if !text.is_empty() {
        push_text(body, &text);
    }
    for bytes in attachments.iter() {
        push_text(body, "b");
        BASE64.encode_string(bytes, body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(body: &str) -> Vec<Result<Part, ParseError>> {
        Parts::of(body.into()).collect()
    }

    fn texts(texts: &[&str]) -> Vec<Result<Part, ParseError>> {
        texts.iter().map(|text| Ok(Part::Text((*text).into()))).collect()
    }

    #[test]
    fn packets_are_told_apart_and_keep_their_order() {
        assert_eq!(parts("4a\u{1e}4é\u{1e}3"), texts(&["4a", "4é", "3"]));
        let binary = Ok(Part::Binary(Bytes::from_static(&[1, 2, 3, 4])));
        assert_eq!(parts("4a\u{1e}bAQIDBA==")[1], binary);
        assert_eq!(parts("bAQIDBA"), [binary]);
    }

    #[test]
    fn nothing_between_separators_is_an_empty_packet() {
        assert_eq!(parts(""), texts(&[""]));
        assert_eq!(parts("4a\u{1e}"), texts(&["4a", ""]));
        assert_eq!(parts("b"), [Ok(Part::Binary(Bytes::new()))]);
    }

    #[test]
    fn what_is_no_base64_is_no_packet() {
        assert_eq!(parts("b!"), [Err(ParseError::Base64)]);
    }

    #[test]
    fn attachments_follow_their_packet() {
        let mut body = String::from("2");
        let frame =
            Frame::of_text("/".into(), "451-[]".into(), vec![Bytes::from_static(&[1, 2, 3, 4])]);
        push_frame(&mut body, frame);
        assert_eq!(body, "2\u{1e}451-[]\u{1e}bAQIDBA==");
    }
}
