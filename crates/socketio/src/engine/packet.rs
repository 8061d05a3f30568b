//! Engine.IO packets and polling payloads.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;

use crate::{config::Config, frame::Frame, packet::ParseError, sid::EngineId};

/// Closes the transport.
pub(crate) const CLOSE: &str = "1";

/// A heartbeat ping.
pub(crate) const PING: &str = "2";

/// Completes a poll without data.
pub(crate) const NOOP: &str = "6";

/// The upgrade handshake on a WebSocket: the client's probe, the server's answer, and the client's
/// request to upgrade.
pub(crate) const PROBE_QUESTION: &str = "2probe";
pub(crate) const PROBE_ANSWER: &str = "3probe";
pub(crate) const UPGRADE: &str = "5";

/// A packet from a client on the active transport of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnginePacket<'a> {
    /// The client ends the session.
    Close,
    /// The answer to a ping.
    Pong,
    /// A Socket.IO packet.
    Message(&'a str),
    /// A packet without effect here.
    Ignored,
}

impl<'a> EnginePacket<'a> {
    /// Parses one packet on the active transport.
    ///
    /// # Errors
    /// For an empty packet, an unknown type, or a ping, which only the server may send.
    pub(crate) fn parse(text: &'a str) -> Result<Self, ParseError> {
        match text.bytes().next() {
            None => Err(ParseError::Empty),
            Some(b'1') => Ok(Self::Close),
            Some(b'2') => Err(ParseError::ForbiddenEngineType),
            Some(b'3') => Ok(Self::Pong),
            Some(b'4') => Ok(Self::Message(&text[1..])),
            Some(b'0' | b'5' | b'6') => Ok(Self::Ignored),
            Some(_) => Err(ParseError::UnknownEngineType),
        }
    }
}

/// The OPEN packet: the session id, the transports it may upgrade to, and the client's settings.
///
/// # Errors
/// Never for these values.
pub(crate) fn open_text(
    id: &EngineId,
    upgrades: &[&str],
    config: &Config,
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Open<'a> {
        sid: &'a str,
        upgrades: &'a [&'a str],
        ping_interval: u64,
        ping_timeout: u64,
        max_payload: usize,
    }
    let open = Open {
        sid: id.expose(),
        upgrades,
        ping_interval: config.ping_interval_ms,
        ping_timeout: config.ping_timeout_ms,
        max_payload: config.max_payload_bytes,
    };
    Ok(format!("0{}", serde_json::to_string(&open)?))
}

// Polling payloads, in requests and responses: packets with a separator between them.

/// Separates packets (Engine.IO protocol 4, "payload").
const SEPARATOR: char = '\u{1e}';

/// Padding is written, but not required when reading.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One packet of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A text packet, starting with its type.
    Text(ByteString),
    /// The data of a binary message.
    Binary(Bytes),
}

/// An iterator over the packets of a payload.
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

/// Appends the packet `text` to `body`.
pub(crate) fn push_text(body: &mut String, text: &str) {
    if !body.is_empty() {
        body.push(SEPARATOR);
    }
    body.push_str(text);
}

/// Appends a frame, followed by its attachments, to `body`.
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
mod packet_tests {
    use super::*;

    #[test]
    fn the_opening_has_exactly_the_five_keys_in_their_order() {
        let id = EngineId::random().expect("the system has randomness");
        let text = open_text(&id, &["websocket"], &Config::default()).expect("JSON");
        let expected = format!(
            r#"0{{"sid":"{}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#,
            id.expose()
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn each_type_is_taken_for_what_it_is() {
        assert_eq!(EnginePacket::parse("1"), Ok(EnginePacket::Close));
        assert_eq!(EnginePacket::parse("3probe"), Ok(EnginePacket::Pong));
        assert_eq!(EnginePacket::parse("4é"), Ok(EnginePacket::Message("é")));
        for harmless in ["0", "5", "6"] {
            assert_eq!(EnginePacket::parse(harmless), Ok(EnginePacket::Ignored));
        }
    }

    #[test]
    fn what_is_no_packet_for_a_client_to_send_is_refused() {
        assert_eq!(EnginePacket::parse(""), Err(ParseError::Empty));
        for ping in ["2", "2probe"] {
            assert_eq!(EnginePacket::parse(ping), Err(ParseError::ForbiddenEngineType));
        }
        for unknown in ["7", "abc", "é", " 4x"] {
            assert_eq!(EnginePacket::parse(unknown), Err(ParseError::UnknownEngineType));
        }
    }
}

#[cfg(test)]
mod payload_tests {
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
