//! Engine.IO 4: what lies below Socket.IO.

mod application;
mod door;
mod heartbeat;
mod packet;
pub(crate) mod payload;
mod polling;
mod transport;
pub(crate) mod websocket;

pub use application::{EngineApplication, EngineHandler, EngineMessage, EngineSocket};
pub(crate) use door::{Handoff, PollingHandle};
pub(crate) use heartbeat::{Beat, Heartbeat};
pub(crate) use packet::{EnginePacket, PROBE_ANSWER, PROBE_QUESTION, UPGRADE, open_text};
pub(crate) use polling::Polling;
pub(crate) use transport::{ClosePlan, Disconnected, Fault, Incoming, Transport};
