//! Socket.IO packets: text and bytes in, values out. No sockets and no clock, so that it can be
//! fuzzed by itself.

mod decode;
mod encode;
mod fault;
mod header;
mod json;

use bytes::Bytes;
use serde_json::value::RawValue;

pub use decode::{Decoder, Limits};
pub use encode::Placeholder;
pub(crate) use encode::{ack_text, connect_error_text, connect_text, disconnect_text, event_text};
pub use fault::ParseError;
pub use json::replace_lone_surrogates;

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
