//! What the contract of stores cannot show: many connections at once, bounds, failures, and what
//! the database itself refuses.

mod bounds;
mod concurrency;
mod constraints;
mod encryption;
mod failures;
mod indexes;
mod migrations;
mod round_trips;
#[path = "../support/mod.rs"]
mod support;
mod talk;
mod trimmed_log;
