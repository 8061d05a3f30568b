//! Engine.IO 4: what lies below Socket.IO.

mod heartbeat;
pub(crate) mod packet;
mod polling;
mod transport;
pub(crate) mod websocket;

pub use transport::{EngineApplication, EngineHandler, EngineMessage, EngineSocket};

pub(crate) use heartbeat::{Beat, Heartbeat};
pub(crate) use packet::{EnginePacket, PROBE_ANSWER, PROBE_QUESTION, UPGRADE, open_text};
pub(crate) use polling::{Polling, PollingHandle};
pub(crate) use transport::{
    ClosePlan, Disconnected, Fault, Handoff, Incoming, Resumable, Transport,
};
