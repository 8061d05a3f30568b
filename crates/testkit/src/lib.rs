//! Drives a real messaging server from outside, as its users do: over HTTP and Socket.IO, with tokens
//! of their own. It knows nothing of the server's internals; SQL serves only to create databases, to fill
//! them for measurements, and to check whether something changed.
//!
//! Begin at [`test_app::TestApp`], a running server with its database; [`rest`] and [`socket`] are the
//! clients, [`mod@bench`], [`drill`] and [`journey`] what the programs in `bin/` run.

pub mod appointment;
pub mod backup;
pub mod bench;
pub mod chromium;
pub mod clients;
pub mod database;
pub mod drill;
pub mod fault;
pub mod journey;
pub mod leak_check;
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
pub mod test_app;
pub mod tunnel;
pub mod wait;

pub use fault::Fault;
pub use tokio_postgres;
