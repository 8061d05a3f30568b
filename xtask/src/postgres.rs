//! A private PostgreSQL: found or fetched, started on loopback, stopped with the process that wanted it.

mod binaries;
mod cluster;
mod dump_programs;
mod error;
mod log;
mod npm;
mod options;
mod orphan;
mod pid_file;
mod place;
mod pooler;
mod postmaster;
mod user;

pub use cluster::Cluster;
pub use dump_programs::DumpPrograms;
pub use error::ClusterError;
pub use options::{Durability, Options};
pub use pooler::{Pooler, StartupOptions};
