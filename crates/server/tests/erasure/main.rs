//! Somebody is forgotten: whatever they wrote and whoever they were, wherever it went, it is nowhere
//! afterwards; and neither does a backup bring it back.

mod drill;
mod house;
mod nowhere;
mod planted;
mod reply;
mod salon;

pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
