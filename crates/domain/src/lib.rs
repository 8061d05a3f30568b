//! What a salon and its client may say to each other, and what everyone else may not see.
#![deny(missing_docs)]

pub mod attachment;
pub mod caller;
pub mod conversation;
pub mod event;
pub mod id;
pub mod message;
pub mod page;
pub mod participant;
pub mod ports;
pub mod reading;
pub mod seq;
pub mod text;
pub mod time;
