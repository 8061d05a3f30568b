//! Socket.IO packets: text and bytes in, values out. No sockets and no clock, so that it can be
//! fuzzed by itself.

mod decode;
mod encode;
mod json;

use bytes::Bytes;
use serde_json::value::RawValue;

pub use decode::{Decoder, Limits};
pub use encode::Placeholder;
pub use json::replace_lone_surrogates;

pub(crate) use encode::{ack_text, connect_error_text, connect_text, disconnect_text, event_text};

/// Event names the protocol keeps for itself.
pub(crate) const RESERVED_EVENTS: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// One Socket.IO packet, its attachments included.
#[derive(Clone, Debug)]
pub enum Packet {
    /// Asks to enter a namespace, or grants it.
    Connect {
        /// The namespace, `/` included.
        namespace: String,
        /// The JSON object that came along.
        data: Option<Box<RawValue>>,
    },
    /// Leaves a namespace.
    Disconnect {
        /// The namespace, `/` included.
        namespace: String,
    },
    /// Says something.
    Event {
        /// The namespace, `/` included.
        namespace: String,
        /// Where the answer is to go, when one is wanted.
        id: Option<u64>,
        /// The name of the event.
        name: String,
        /// The arguments, as they came.
        args: Vec<Box<RawValue>>,
        /// The buffers that placeholders in `args` stand for, by number.
        attachments: Vec<Bytes>,
    },
    /// Answers an event.
    Ack {
        /// The namespace, `/` included.
        namespace: String,
        /// The id of the event answered.
        id: u64,
        /// The arguments, as they came.
        args: Vec<Box<RawValue>>,
        /// The buffers that placeholders in `args` stand for, by number.
        attachments: Vec<Bytes>,
    },
    /// Refuses a namespace.
    ConnectError {
        /// The namespace, `/` included.
        namespace: String,
        /// The JSON object that says why.
        data: Box<RawValue>,
    },
}

// What can be wrong with a packet.

/// Why something a client sent is no packet. Every one of these ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// An empty Engine.IO packet.
    #[error("empty packet")]
    Empty,
    /// An Engine.IO packet of no known type.
    #[error("unknown engine packet type")]
    UnknownEngineType,
    /// An Engine.IO packet that only the server sends, such as a ping.
    #[error("this engine packet is not for clients to send")]
    ForbiddenEngineType,
    /// A Socket.IO packet of no known type.
    #[error("unknown packet type")]
    UnknownType,
    /// No attachment count where one must be, or zero.
    #[error("missing or bad attachment count")]
    AttachmentCount,
    /// More attachments announced than allowed.
    #[error("too many attachments")]
    TooManyAttachments,
    /// An acknowledgement id out of range, or none where one must be.
    #[error("missing or bad acknowledgement id")]
    AckId,
    /// Text that is not JSON.
    #[error("broken JSON")]
    Json,
    /// An event that is no array with a name in front.
    #[error("bad event payload")]
    EventPayload,
    /// An event under a name the protocol keeps for itself.
    #[error("reserved event name")]
    ReservedEvent,
    /// An acknowledgement that is no array.
    #[error("bad acknowledgement payload")]
    AckPayload,
    /// A connect whose payload is no object.
    #[error("bad connect payload")]
    ConnectPayload,
    /// A disconnect with a payload.
    #[error("bad disconnect payload")]
    DisconnectPayload,
    /// A connect error whose payload is no object.
    #[error("bad connect error payload")]
    ConnectErrorPayload,
    /// A placeholder for an attachment that was not announced.
    #[error("placeholder without attachment")]
    Placeholder,
    /// Bytes without a packet that announced them.
    #[error("unexpected binary packet")]
    UnexpectedBinary,
    /// A text packet while attachments are still owed.
    #[error("attachments outstanding")]
    AttachmentsOutstanding,
    /// A binary packet in text that is not base64.
    #[error("broken base64")]
    Base64,
    /// A packet that is too large, counted with its attachments.
    #[error("packet too large")]
    TooLarge,
}

// The part of a packet before its JSON:
// `<type>[<attachments>-][<namespace>,][<ack id>]`.

/// The type of a packet. Whether it is binary shows in [`Header::attachments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

/// A packet cut into its parts, none of them interpreted yet.
#[derive(Debug, PartialEq, Eq)]
struct Header<'a> {
    kind: Kind,
    attachments: usize,
    namespace: &'a str,
    id: Option<u64>,
    /// What follows the header; empty when nothing does.
    json: &'a str,
}

impl<'a> Header<'a> {
    fn cut(text: &'a str) -> Result<Self, ParseError> {
        let (kind, binary) = match text.bytes().next() {
            Some(b'0') => (Kind::Connect, false),
            Some(b'1') => (Kind::Disconnect, false),
            Some(b'2') => (Kind::Event, false),
            Some(b'3') => (Kind::Ack, false),
            Some(b'4') => (Kind::ConnectError, false),
            Some(b'5') => (Kind::Event, true),
            Some(b'6') => (Kind::Ack, true),
            _ => return Err(ParseError::UnknownType),
        };
        let (attachments, rest) =
            if binary { cut_attachments(&text[1..])? } else { (0, &text[1..]) };
        let (namespace, rest) = cut_namespace(rest);
        let (id, json) = cut_id(rest)?;
        Ok(Self { kind, attachments, namespace, id, json })
    }
}

fn cut_attachments(text: &str) -> Result<(usize, &str), ParseError> {
    let (digits, rest) = cut_digits(text);
    let rest =
        rest.strip_prefix('-').filter(|_| !digits.is_empty()).ok_or(ParseError::AttachmentCount)?;
    match digits.parse() {
        Ok(0) => Err(ParseError::AttachmentCount),
        Ok(count) => Ok((count, rest)),
        Err(_) => Err(ParseError::TooManyAttachments),
    }
}

fn cut_namespace(text: &str) -> (&str, &str) {
    if text.starts_with('/') { text.split_once(',').unwrap_or((text, "")) } else { ("/", text) }
}

fn cut_id(text: &str) -> Result<(Option<u64>, &str), ParseError> {
    let (digits, rest) = cut_digits(text);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    let id = digits.parse().map_err(|_| ParseError::AckId)?;
    Ok((Some(id), rest))
}

fn cut_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_where_it_stands() {
        assert_eq!(
            Header::cut("51-/admin,456[\"x\"]"),
            Ok(Header {
                kind: Kind::Event,
                attachments: 1,
                namespace: "/admin",
                id: Some(456),
                json: "[\"x\"]",
            })
        );
    }

    #[test]
    fn the_comma_may_be_missing_when_nothing_follows() {
        let header = Header::cut("0/custom").expect("a header");
        assert_eq!((header.namespace, header.json), ("/custom", ""));
    }

    #[test]
    fn zero_is_an_id_like_any_other() {
        assert_eq!(Header::cut("20[]").expect("a header").id, Some(0));
    }
}
