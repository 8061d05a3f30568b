//! `polling_checks` with compression: of all WebSocket messages of the client and all long ones of the server.

#[path = "polling_checks.rs"]
mod polling_checks;
