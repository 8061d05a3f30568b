//! What the contract of stores cannot test: concurrent connections, bounds, failures, and what
//! the database itself refuses.

mod booking;
mod bookings;
mod bounds;
mod concurrency;
mod constraints;
mod encryption;
mod erasure;
mod failures;
mod indexes;
mod jobs;
mod lanes;
mod mail;
mod mail_indexes;
mod migrations;
mod planted;
mod preferences;
mod proxy;
mod retention;
mod round_trips;
mod session_ends;
mod storm;
#[path = "../support/mod.rs"]
mod support;
mod talk;
mod trimmed_log;
mod unsettled;
mod uploads;
mod waiting;
mod work_indexes;
mod workers;
