//! Drives a real messaging server from outside, as its users do: over HTTP and Socket.IO, with tokens
//! of their own. Knows nothing of the server's insides; SQL serves only to make databases, to fill them
//! for measurements, and to look whether something changed.

pub mod appointment;
pub mod backup;
pub mod bench;
pub mod chromium;
pub mod clients;
pub mod database;
pub mod drill;
pub mod fault;
pub mod journey;
pub mod mail_drill;
pub mod operator;
pub mod person;
pub mod polling;
pub mod reference;
pub mod rest;
pub mod resume_load;
pub mod server;
pub mod smtp;
pub mod socket;
pub mod sql_tap;
pub mod stage;
pub mod traces;
pub mod tunnel;
pub mod wait;

pub use fault::Fault;
pub use tokio_postgres;
