//! Decodes packets from text messages and the binary messages that follow them.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Header, Kind, Packet, ParseError, json};

/// Bounds on the size of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of attachments of one packet.
    pub max_attachments: usize,
    /// Maximum bytes of one packet, text and attachments together.
    pub max_packet_bytes: usize,
    /// Maximum bytes of one event, text and attachments together, that is kept whole.
    pub max_event_bytes: usize,
    /// The members of the first argument that are kept of a larger event.
    pub kept_members: &'static [&'static str],
}

/// Assembles packets from the messages of one session.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    partial: Option<Partial>,
}

/// A packet whose attachments have not all arrived.
#[derive(Debug)]
struct Partial {
    packet: Packet,
    missing: usize,
    bytes: usize,
}

impl Decoder {
    /// A decoder that expects a new packet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, partial: None }
    }

    /// Decodes one text message. `None` when attachments must follow.
    ///
    /// # Errors
    /// See [`ParseError`]; the session must then end.
    pub fn text(&mut self, text: &str) -> Result<Option<Packet>, ParseError> {
        if self.partial.is_some() {
            return Err(ParseError::AttachmentsOutstanding);
        }
        if text.len() > self.limits.max_packet_bytes {
            return Err(ParseError::TooLarge);
        }
        let header = Header::parse(text)?;
        let missing = header.attachments;
        if missing > self.limits.max_attachments {
            return Err(ParseError::TooManyAttachments);
        }
        let packet = if header.kind == Kind::Event && text.len() > self.limits.max_event_bytes {
            large_event(&header, text.len(), self.limits.kept_members)?
        } else {
            packet(&header)?
        };
        if missing == 0 {
            return Ok(Some(packet));
        }
        self.partial = Some(Partial { packet, missing, bytes: text.len() });
        Ok(None)
    }

    /// Decodes one binary message. `None` when more attachments must follow.
    ///
    /// # Errors
    /// See [`ParseError`]; the session must then end.
    pub fn binary(&mut self, bytes: Bytes) -> Result<Option<Packet>, ParseError> {
        let mut partial = self.partial.take().ok_or(ParseError::UnexpectedBinary)?;
        partial.bytes = partial.bytes.saturating_add(bytes.len());
        if partial.bytes > self.limits.max_packet_bytes {
            return Err(ParseError::TooLarge);
        }
        let is_large = partial.bytes > self.limits.max_event_bytes;
        match &mut partial.packet {
            Packet::Event { namespace, id, name, args, .. } if is_large => {
                partial.packet = Packet::LargeEvent {
                    namespace: std::mem::take(namespace),
                    id: *id,
                    name: std::mem::take(name),
                    args: json::kept_members(args, self.limits.kept_members),
                    bytes: partial.bytes,
                };
            }
            Packet::Event { attachments, .. } | Packet::Ack { attachments, .. } => {
                attachments.push(bytes);
            }
            Packet::LargeEvent { bytes, .. } => *bytes = partial.bytes,
            _ => {}
        }
        partial.missing -= 1;
        if partial.missing == 0 {
            return Ok(Some(partial.packet));
        }
        self.partial = Some(partial);
        Ok(None)
    }
}

fn packet(header: &Header<'_>) -> Result<Packet, ParseError> {
    match header.kind {
        Kind::Connect => connect(header),
        Kind::Disconnect => disconnect(header),
        Kind::Event => event(header),
        Kind::Ack => ack(header),
        Kind::ConnectError => connect_error(header),
    }
}

fn connect(header: &Header<'_>) -> Result<Packet, ParseError> {
    let data = match header.json {
        "" => None,
        text => Some(json::object(text)?.ok_or(ParseError::ConnectPayload)?),
    };
    Ok(Packet::Connect { namespace: header.namespace.to_owned(), data })
}

fn disconnect(header: &Header<'_>) -> Result<Packet, ParseError> {
    if !header.json.is_empty() {
        return Err(ParseError::DisconnectPayload);
    }
    Ok(Packet::Disconnect { namespace: header.namespace.to_owned() })
}

fn event(header: &Header<'_>) -> Result<Packet, ParseError> {
    let mut items = arguments(header, ParseError::EventPayload)?.into_iter();
    let name = items.next().ok_or(ParseError::EventPayload)?;
    let name = json::event_name(&name)?;
    Ok(Packet::Event {
        namespace: header.namespace.to_owned(),
        id: header.id,
        name,
        args: items.collect(),
        attachments: Vec::with_capacity(header.attachments),
    })
}

fn large_event(
    header: &Header<'_>,
    bytes: usize,
    kept_members: &[&str],
) -> Result<Packet, ParseError> {
    let (name, args) = json::large_event(header.json, kept_members)?;
    let namespace = header.namespace.to_owned();
    Ok(Packet::LargeEvent { namespace, id: header.id, name, args, bytes })
}

fn ack(header: &Header<'_>) -> Result<Packet, ParseError> {
    Ok(Packet::Ack {
        namespace: header.namespace.to_owned(),
        id: header.id.ok_or(ParseError::AckId)?,
        args: arguments(header, ParseError::AckPayload)?,
        attachments: Vec::with_capacity(header.attachments),
    })
}

fn connect_error(header: &Header<'_>) -> Result<Packet, ParseError> {
    if header.json.is_empty() {
        return Err(ParseError::ConnectErrorPayload);
    }
    Ok(Packet::ConnectError {
        namespace: header.namespace.to_owned(),
        data: json::object(header.json)?.ok_or(ParseError::ConnectErrorPayload)?,
    })
}

fn arguments(header: &Header<'_>, error: ParseError) -> Result<Vec<Box<RawValue>>, ParseError> {
    if header.json.is_empty() {
        return Err(error);
    }
    let args = json::array(header.json)?.ok_or(error)?;
    if header.attachments > 0 {
        json::check_placeholders(&args, header.attachments)?;
    }
    Ok(args)
}
