//! `engine_upgrade_checks` once more, with every WebSocket message of the client compressed, and every long one of
//! the server.

#[path = "engine_upgrade_checks.rs"]
mod engine_upgrade_checks;
