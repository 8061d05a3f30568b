#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod config;
mod connect;
mod engine;
mod event;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod http;
mod link;
mod mailbox;
mod namespace;
pub mod packet;
mod reason;
mod server;
mod session;
mod sid;
mod socket;

pub use async_trait::async_trait;
pub use bytes::Bytes;
pub use serde_json::value::RawValue;

pub use config::{Config, Transports};
pub use connect::{Accepted, ConnectRequest, RecoveryRequest, Refusal};
pub use engine::{EngineApplication, EngineHandler, EngineMessage, EngineSocket};
pub use event::{Acknowledger, Event};
pub use frame::Frame;
pub use http::Rejection;
pub use namespace::{Handler, Headers, Namespace};
pub use packet::Placeholder;
pub use reason::DisconnectReason;
pub use server::{Builder, Server};
pub use sid::SocketId;
pub use socket::{EmitError, Socket};
