//! Drives a real messaging server from outside: over HTTP and Socket.IO, with user tokens. It does not
//! depend on the server's internals; SQL is used only to create databases, to fill them for
//! measurements, and to detect changes.
//!
//! Start at [`test_app::TestApp`], a running server with its database. [`rest`] and [`socket`] are the
//! clients; [`mod@bench`], [`drill`] and [`journey`] are run by the programs in `bin/`.

pub mod appointment;
pub mod backup;
pub mod bench;
pub mod chromium;
pub mod clients;
pub mod crash;
pub mod database;
pub mod drill;
pub mod fault;
pub mod hostile;
pub mod journey;
pub mod leak_check;
pub mod locked_row;
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
pub mod timing;
pub mod tunnel;
pub mod wait;

pub use fault::Fault;
pub use tokio_postgres;
