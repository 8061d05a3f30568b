//! The half of a WebSocket that reads.

use std::{cell::Cell, io, rc::Rc};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};
use bytes::Bytes;
use bytestring::ByteString;

use super::Fault;

/// What a connection brought.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A whole text message.
    Text(ByteString),
    /// A whole binary message.
    Binary(Bytes),
    /// A WebSocket ping, to be answered with the same bytes.
    Ping(Bytes),
    /// A WebSocket pong, which nobody asked for.
    Pong,
    /// The client closed the connection, or left. Nothing follows.
    Closed,
    /// The connection cannot go on. Nothing follows.
    Fault(Fault),
}

/// Reads messages, in order, each whole.
pub(crate) struct Inlet {
    stream: AggregatedMessageStream,
    fault: Rc<Cell<Option<Fault>>>,
}

impl Inlet {
    pub(super) fn new(stream: AggregatedMessageStream, fault: Rc<Cell<Option<Fault>>>) -> Self {
        Self { stream, fault }
    }

    /// Waits for the next message. Giving up waiting loses nothing.
    pub(crate) async fn next(&mut self) -> Incoming {
        match self.stream.recv().await {
            Some(Ok(AggregatedMessage::Text(text))) => Incoming::Text(text),
            Some(Ok(AggregatedMessage::Binary(bytes))) => Incoming::Binary(bytes),
            Some(Ok(AggregatedMessage::Ping(bytes))) => Incoming::Ping(bytes),
            Some(Ok(AggregatedMessage::Pong(_))) => Incoming::Pong,
            Some(Ok(AggregatedMessage::Close(_))) => Incoming::Closed,
            None => self.fault.get().map_or(Incoming::Closed, Incoming::Fault),
            Some(Err(error)) => Incoming::Fault(fault(&error)),
        }
    }
}

/// The guard has seen to sizes, reserved bits and lost connections; what it lets through as
/// invalid data can only be text.
fn fault(error: &ProtocolError) -> Fault {
    match error {
        ProtocolError::Overflow => Fault::TooBig,
        ProtocolError::Io(error) if error.kind() == io::ErrorKind::InvalidData => Fault::NotText,
        ProtocolError::Io(_) => Fault::Broken,
        _ => Fault::Protocol,
    }
}
