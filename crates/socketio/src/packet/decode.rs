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
        let (bytes, kept) = (text.len(), self.limits.kept_members);
        let header = self.header(text, bytes)?;
        let packet = if header.kind == Kind::Event && bytes > self.limits.max_event_bytes {
            large_event(&header, bytes, json::large_event(header.json, kept)?)
        } else {
            packet(&header)?
        };
        Ok(self.begin(packet, header.attachments, bytes))
    }

    /// Decodes a text message of so many bytes of which there is only the beginning. `None` when attachments must
    /// follow. An event is a large one; an acknowledgement has no arguments.
    ///
    /// # Errors
    /// See [`ParseError`]; the session must then end. No other packet may be so long.
    pub fn cut_text(&mut self, head: &str, bytes: usize) -> Result<Option<Packet>, ParseError> {
        let header = self.header(head, bytes)?;
        let packet = match header.kind {
            Kind::Event => {
                let read = json::cut_event(header.json, self.limits.kept_members)?;
                large_event(&header, bytes, read)
            }
            Kind::Ack => Packet::Ack {
                namespace: header.namespace.to_owned(),
                id: header.id.ok_or(ParseError::AckId)?,
                args: Vec::new(),
                attachments: Vec::new(),
            },
            Kind::Connect | Kind::Disconnect | Kind::ConnectError => {
                return Err(ParseError::TooLarge);
            }
        };
        Ok(self.begin(packet, header.attachments, bytes))
    }

    /// The header of a packet whose text has so many bytes, checked against the bounds.
    fn header<'a>(&self, text: &'a str, bytes: usize) -> Result<Header<'a>, ParseError> {
        if self.partial.is_some() {
            return Err(ParseError::AttachmentsOutstanding);
        }
        if bytes > self.limits.max_packet_bytes {
            return Err(ParseError::TooLarge);
        }
        let header = Header::parse(text)?;
        if header.attachments > self.limits.max_attachments {
            return Err(ParseError::TooManyAttachments);
        }
        Ok(header)
    }

    /// The packet, unless it waits for attachments.
    fn begin(&mut self, packet: Packet, missing: usize, bytes: usize) -> Option<Packet> {
        if missing == 0 {
            return Some(packet);
        }
        self.partial = Some(Partial { packet, missing, bytes });
        None
    }

    /// Decodes one binary message. `None` when more attachments must follow.
    ///
    /// # Errors
    /// See [`ParseError`]; the session must then end.
    pub fn binary(&mut self, bytes: Bytes) -> Result<Option<Packet>, ParseError> {
        self.attachment(bytes.len(), Some(bytes))
    }

    /// Decodes a binary message of so many bytes, more than an event may have, of which nothing is kept.
    /// `None` when more attachments must follow.
    ///
    /// # Errors
    /// See [`ParseError`]; the session must then end.
    pub fn cut_binary(&mut self, bytes: usize) -> Result<Option<Packet>, ParseError> {
        self.attachment(bytes, None)
    }

    fn attachment(
        &mut self,
        bytes: usize,
        attachment: Option<Bytes>,
    ) -> Result<Option<Packet>, ParseError> {
        let mut partial = self.partial.take().ok_or(ParseError::UnexpectedBinary)?;
        partial.bytes = partial.bytes.saturating_add(bytes);
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
                attachments.extend(attachment);
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

/// An event that is not kept whole, with its name and what is kept of its arguments.
fn large_event(
    header: &Header<'_>,
    bytes: usize,
    (name, args): (String, Vec<Box<RawValue>>),
) -> Packet {
    let namespace = header.namespace.to_owned();
    Packet::LargeEvent { namespace, id: header.id, name, args, bytes }
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
