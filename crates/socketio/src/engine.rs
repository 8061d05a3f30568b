//! Engine.IO 4: transports, packets and heartbeat.

mod heartbeat;
pub(crate) mod packet;
mod polling;
mod transport;
pub(crate) mod websocket;

pub use transport::{EngineApplication, EngineHandler, EngineMessage, EngineSocket};

pub(crate) use heartbeat::{Heartbeat, HeartbeatAction};
pub(crate) use packet::{EnginePacket, PROBE_ANSWER, PROBE_QUESTION, UPGRADE, open_text};
pub(crate) use polling::{Polling, PollingHandle};
pub(crate) use transport::{
    ClosePlan, Disconnected, Fault, Handoff, Incoming, Resumable, Transport,
};
