//! Socket.IO packets: a decoder and encoder without I/O and clock, so that they can be fuzzed.

mod decode;
mod encode;
mod json;

use bytes::Bytes;
use serde_json::value::RawValue;

pub use decode::{Decoder, Limits};
pub use encode::Placeholder;
pub use json::replace_lone_surrogates;

pub(crate) use json::kept_members;

pub(crate) use encode::{ack_text, connect_error_text, connect_text, disconnect_text, event_text};

/// Event names reserved by the protocol.
pub(crate) const RESERVED_EVENTS: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// One Socket.IO packet, its attachments included.
#[derive(Clone, Debug)]
pub enum Packet {
    /// CONNECT: a client's request to connect to a namespace, or the server's acceptance.
    Connect {
        /// The namespace, `/` included.
        namespace: String,
        /// The JSON payload: `auth` of the client, `sid` of the server.
        data: Option<Box<RawValue>>,
    },
    /// DISCONNECT from a namespace.
    Disconnect {
        /// The namespace, `/` included.
        namespace: String,
    },
    /// EVENT.
    Event {
        /// The namespace, `/` included.
        namespace: String,
        /// The acknowledgement id, when the sender wants an acknowledgement.
        id: Option<u64>,
        /// The name of the event.
        name: String,
        /// The arguments, unparsed.
        args: Vec<Box<RawValue>>,
        /// The attachments, indexed by the numbers of the placeholders in `args`.
        attachments: Vec<Bytes>,
    },
    /// An EVENT larger than [`Limits::max_event_bytes`], of which only a part is kept.
    LargeEvent {
        /// The namespace, `/` included.
        namespace: String,
        /// The acknowledgement id, when the sender wants an acknowledgement.
        id: Option<u64>,
        /// The name of the event; empty when it is longer than 1 KiB.
        name: String,
        /// What is kept of the arguments: an object with the members that [`Limits::kept_members`] names.
        args: Vec<Box<RawValue>>,
        /// The bytes of the whole packet.
        bytes: usize,
    },
    /// ACK: the acknowledgement of an event.
    Ack {
        /// The namespace, `/` included.
        namespace: String,
        /// The acknowledgement id of the event.
        id: u64,
        /// The arguments, unparsed.
        args: Vec<Box<RawValue>>,
        /// The attachments, indexed by the numbers of the placeholders in `args`.
        attachments: Vec<Bytes>,
    },
    /// `CONNECT_ERROR`: a refused CONNECT.
    ConnectError {
        /// The namespace, `/` included.
        namespace: String,
        /// The JSON object with the reason.
        data: Box<RawValue>,
    },
}

// Parse errors.

/// Why a message of a client is not a valid packet. Each of these ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// An empty Engine.IO packet.
    #[error("empty packet")]
    Empty,
    /// An Engine.IO packet of unknown type.
    #[error("unknown engine packet type")]
    UnknownEngineType,
    /// An Engine.IO packet that only the server sends, such as a ping.
    #[error("this engine packet is not for clients to send")]
    ForbiddenEngineType,
    /// A Socket.IO packet of unknown type.
    #[error("unknown packet type")]
    UnknownType,
    /// The attachment count of a binary packet is missing or zero.
    #[error("missing or bad attachment count")]
    AttachmentCount,
    /// The packet announces more attachments than allowed.
    #[error("too many attachments")]
    TooManyAttachments,
    /// A required acknowledgement id is missing, or an id is out of range.
    #[error("missing or bad acknowledgement id")]
    AckId,
    /// The payload is not JSON.
    #[error("broken JSON")]
    Json,
    /// The payload of an event is not an array that starts with a name.
    #[error("bad event payload")]
    EventPayload,
    /// The event name is reserved by the protocol.
    #[error("reserved event name")]
    ReservedEvent,
    /// The payload of an acknowledgement is not an array.
    #[error("bad acknowledgement payload")]
    AckPayload,
    /// The payload of a CONNECT is not an object.
    #[error("bad connect payload")]
    ConnectPayload,
    /// A DISCONNECT has a payload.
    #[error("bad disconnect payload")]
    DisconnectPayload,
    /// The payload of a `CONNECT_ERROR` is not an object.
    #[error("bad connect error payload")]
    ConnectErrorPayload,
    /// A placeholder refers to an attachment that was not announced.
    #[error("placeholder without attachment")]
    Placeholder,
    /// A binary message that no packet announced.
    #[error("unexpected binary packet")]
    UnexpectedBinary,
    /// A text packet arrived before all attachments of the previous one.
    #[error("attachments outstanding")]
    AttachmentsOutstanding,
    /// A binary packet in a polling body is not valid base64.
    #[error("broken base64")]
    Base64,
    /// The packet, including its attachments, is too large.
    #[error("packet too large")]
    TooLarge,
}

// The header of a packet, before its JSON payload:
// `<type>[<attachments>-][<namespace>,][<ack id>]`.

/// The type of a packet. It is binary if [`Header::attachments`] is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

/// A packet split into its parts; the payload is not parsed yet.
#[derive(Debug, PartialEq, Eq)]
struct Header<'a> {
    kind: Kind,
    attachments: usize,
    namespace: &'a str,
    id: Option<u64>,
    /// The payload; empty when there is none.
    json: &'a str,
}

impl<'a> Header<'a> {
    fn parse(text: &'a str) -> Result<Self, ParseError> {
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
            if binary { split_attachments(&text[1..])? } else { (0, &text[1..]) };
        let (namespace, rest) = split_namespace(rest);
        let (id, json) = split_id(rest)?;
        Ok(Self { kind, attachments, namespace, id, json })
    }
}

fn split_attachments(text: &str) -> Result<(usize, &str), ParseError> {
    let (digits, rest) = split_digits(text);
    let rest =
        rest.strip_prefix('-').filter(|_| !digits.is_empty()).ok_or(ParseError::AttachmentCount)?;
    match digits.parse() {
        Ok(0) => Err(ParseError::AttachmentCount),
        Ok(count) => Ok((count, rest)),
        Err(_) => Err(ParseError::TooManyAttachments),
    }
}

fn split_namespace(text: &str) -> (&str, &str) {
    if text.starts_with('/') { text.split_once(',').unwrap_or((text, "")) } else { ("/", text) }
}

fn split_id(text: &str) -> Result<(Option<u64>, &str), ParseError> {
    let (digits, rest) = split_digits(text);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    let id = digits.parse().map_err(|_| ParseError::AckId)?;
    Ok((Some(id), rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_where_it_stands() {
        assert_eq!(
            Header::parse("51-/admin,456[\"x\"]"),
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
        let header = Header::parse("0/custom").expect("a header");
        assert_eq!((header.namespace, header.json), ("/custom", ""));
    }

    #[test]
    fn zero_is_an_id_like_any_other() {
        assert_eq!(Header::parse("20[]").expect("a header").id, Some(0));
    }
}
