//! `polling_checks` once more, with every WebSocket message of the client compressed, and every long one of
//! the server.

#[path = "polling_checks.rs"]
mod polling_checks;
