//! `conformance` once more, with every WebSocket message of the client compressed, and every long one of
//! the server.

#[path = "conformance.rs"]
mod conformance;
