#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
mod config;
mod engine;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod http;
mod mailbox;
mod namespace;
pub mod packet;
mod server;
mod session;
mod sid;
mod socket;

pub use async_trait::async_trait;
pub use bytes::Bytes;
pub use config::{Config, Transports};
pub use engine::{EngineApplication, EngineHandler, EngineMessage, EngineSocket};
pub use frame::Frame;
pub use http::{Connected, Rejection};
pub use namespace::{
    Accepted, ConnectRequest, DisconnectReason, Handler, Intake, Namespace, RecoveryRequest,
    Refusal,
};
pub use packet::Placeholder;
pub use serde_json::value::RawValue;
pub use server::{Builder, Server};
pub use sid::SocketId;
pub use socket::{Acknowledger, EmitError, Event, EventRoom, NotKept, Socket};
