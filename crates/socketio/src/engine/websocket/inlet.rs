//! The half of a WebSocket that reads.

use std::{cell::Cell, io, rc::Rc};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};

use crate::engine::{Fault, Incoming};

/// Reads messages, in order, each whole.
pub(super) struct Reader {
    stream: AggregatedMessageStream,
    fault: Rc<Cell<Option<Fault>>>,
}

impl Reader {
    pub(super) fn new(stream: AggregatedMessageStream, fault: Rc<Cell<Option<Fault>>>) -> Self {
        Self { stream, fault }
    }

    /// Waits for the next message. Giving up waiting loses nothing.
    pub(super) async fn next(&mut self) -> Incoming {
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
