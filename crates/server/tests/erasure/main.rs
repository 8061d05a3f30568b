//! A person is erased: what they wrote and who they were, wherever it was stored, is nowhere
//! afterwards; and neither does a backup bring it back.

mod afterwards;
mod client;
mod drill;
mod fixture;
mod reply;
mod salon;
mod seed;

pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
