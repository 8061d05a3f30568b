//! The storage ports on PostgreSQL (14 or newer), in a schema of its own, `messaging` (D1).
//!
//! [`migrate`] prepares the database, [`PgStore`] keeps everything durable in it. What may not
//! happen twice, out of order or by halves is decided by the database: each change takes the row
//! lock of its conversation first and the next position under it (D5), and what must be unique is.
//!
//! The two frequent changes, a message posted and a horizon moved, are one round trip
//! each. The rare ones are transactions that run to their end even when nobody waits for them any
//! longer, so no lock outlives its caller.
//!
//! Work that a change causes, such as deleting the bytes of a file, is enqueued as a job in the same
//! transaction; any number of nodes share the jobs among themselves (D14).
//!
//! Begin at [`PgStore`] in `store`, then one file for each port: `conversation`, `post`, `mark_read`,
//! `lists`, `log`, `appointments`, `mail`, `retention`, `jobs`. SQL that is too long for a line of Rust lies
//! in a folder beside it, functions of the database in `migrations/`.

mod address;
mod appointments;
mod connect;
mod conversation;
mod erasure;
mod error;
mod export;
mod import;
mod jobs;
mod lists;
mod lock;
mod log;
mod mail;
mod mark_read;
mod migrate;
mod participants;
mod pool;
mod post;
mod query;
mod retention;
mod row;
mod schema;
mod store;
mod uploads;

pub use address::{Address, AddressFault, InvalidAddress};
pub use migrate::{LockHolder, MigrateError, migrate, pending, revert_all};
pub use pool::{InvalidSettings, Settings};
pub use store::PgStore;
