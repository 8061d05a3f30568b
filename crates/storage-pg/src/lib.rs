//! The storage ports on PostgreSQL (14 or newer), in a schema of its own, `messaging` (D1).
//!
//! [`migrate`] prepares the database, [`PgStore`] keeps everything durable in it. What may not
//! happen twice, out of order or by halves is decided by the database: each change takes the row
//! lock of its conversation first and the next position under it (D5), and what must be unique is.
//!
//! The two changes that happen all day, a message posted and a horizon moved, are one round trip
//! each. The rare ones are transactions that run to their end even when nobody waits for them any
//! longer, so no lock outlives its caller.
//!
//! Work that a change causes, such as deleting the bytes of a file, is entered as a job in the same
//! transaction; any number of nodes share it out among themselves (D14).

mod address;
mod appointment;
mod attachment;
mod audit;
mod connect;
mod conversation;
mod erasure;
mod export;
mod failure;
mod home;
mod import;
mod job;
mod log;
mod mail;
mod message;
mod migrate;
mod participant;
mod pool;
mod preference;
mod prepared;
mod reading;
mod record;
mod retention;
mod schema;
mod settings;
mod statements;
mod store;
mod tls;
mod upload;

pub use address::{Address, AddressFault, InvalidAddress};
pub use migrate::{LockHolder, MigrateError, migrate, pending, revert_all};
pub use settings::{InvalidSettings, Settings};
pub use store::PgStore;
