//! `engine_checks` once more, with every WebSocket message of the client compressed, and every long one of
//! the server.

#[path = "engine_checks.rs"]
mod engine_checks;
