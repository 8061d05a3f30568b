//! `engine_checks` with compression: of all WebSocket messages of the client and all long ones of the server.

#[path = "engine_checks.rs"]
mod engine_checks;
