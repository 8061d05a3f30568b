//! The storage ports on PostgreSQL (14 or newer), in a schema of its own, `messaging` (D1).
//!
//! [`migrate`] prepares the database, [`PgStore`] implements the ports. Uniqueness, order and
//! atomicity are enforced by the database: each change takes the row lock of its conversation first
//! and the next position under it (D5).
//!
//! Conversations change in one way: `ledger` queues commands, decides them with the rules of the
//! domain under the row locks, and writes many of them in one transaction (group commit). It speaks
//! `tokio-postgres` directly; everything else uses Diesel.
//!
//! Work caused by a change, such as deleting the bytes of a file, is enqueued as a job in the same
//! transaction; all nodes share the job queue (D14).
//!
//! Start with [`PgStore`] in `store`, then `ledger` for changes and `lists` and `log` for reads; the
//! other ports are in files of their name: `appointments`, `mail`, `retention`, `jobs` and so on. Longer
//! SQL is in files beside them, database functions are in `migrations/`.

mod address;
mod appointments;
mod connect;
mod conversation;
mod erasure;
mod error;
mod export;
mod import;
mod jobs;
mod ledger;
mod lists;
mod lock;
mod log;
mod mail;
mod migrate;
mod participants;
mod pool;
mod query;
mod retention;
mod row;
mod schema;
mod session_ends;
mod store;
mod uploads;

pub use address::{Address, AddressFault, InvalidAddress};
pub use connect::{InvalidSettings, Settings, foreign_messages};
pub use migrate::{LockHolder, MigrateError, migrate, pending, revert_all};
pub use store::PgStore;
