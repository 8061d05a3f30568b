//! `conformance` with compression: of all WebSocket messages of the client and all long ones of the server.

#[path = "conformance.rs"]
mod conformance;
