//! The storage ports on PostgreSQL (14 or newer), in a schema of its own, `messaging` (D1).
//!
//! [`migrate`] prepares the database, [`PgStore`] implements the ports. Uniqueness, order and
//! atomicity are enforced by the database: each change takes the row lock of its conversation first
//! and the next position under it (D5).
//!
//! The two frequent changes, posting a message and moving a read horizon, take one round trip each.
//! The others are transactions that complete even when the caller is gone, so no lock outlives
//! them.
//!
//! Work caused by a change, such as deleting the bytes of a file, is enqueued as a job in the same
//! transaction; all nodes share the job queue (D14).
//!
//! Start with [`PgStore`] in `store`, then one file per port: `conversation`, `post`, `mark_read`,
//! `lists`, `log`, `appointments`, `mail`, `retention`, `jobs`. Longer SQL is in files beside them,
//! database functions are in `migrations/`.

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
pub use connect::{InvalidSettings, Settings, foreign_messages};
pub use migrate::{LockHolder, MigrateError, migrate, pending, revert_all};
pub use store::PgStore;
