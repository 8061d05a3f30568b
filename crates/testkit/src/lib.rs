//! Drives a real messaging server from outside, as its users do: over HTTP and Socket.IO, with tokens
//! of their own. Knows nothing of the server's insides; SQL serves only to make databases, to fill them
//! for measurements, and to look whether something changed.

pub mod appointment;
pub mod backup;
pub mod bench;
pub mod chromium;
pub mod cluster;
pub mod database;
pub mod drill;
pub mod fault;
pub mod frames;
pub mod fresh;
pub mod journey;
pub mod mail_drill;
pub mod multipart;
pub mod operator;
pub mod person;
pub mod polling;
pub mod pooler;
pub mod post;
pub mod python_client;
pub mod reference;
pub mod rest;
pub mod server;
pub mod socket;
pub mod sql_tap;
pub mod stage;
pub mod stock_client;
pub mod storm;
pub mod token;
pub mod traces;
pub mod tunnel;
pub mod wait;

pub use fault::Fault;
pub use tokio_postgres;
