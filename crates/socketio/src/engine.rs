//! Engine.IO 4: what lies below Socket.IO.

mod heartbeat;
mod packet;
pub(crate) mod websocket;

pub(crate) use heartbeat::{Beat, Heartbeat};
pub(crate) use packet::{EnginePacket, PING, open_text};
