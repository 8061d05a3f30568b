//! What the commands of the build share with the test kit: a private PostgreSQL, and calls to the system.
//!
//! Few dependencies: this is compiled first in a fresh clone. Begin at `main.rs`, which lists the commands;
//! each one is a file beside it.

#[cfg(not(unix))]
compile_error!("these verbs need Linux or macOS; on Windows they work inside WSL 2");

pub mod child_guard;
pub mod modules;
pub mod node;
pub mod package;
pub mod poll;
pub mod postgres;
pub mod process;
pub mod workspace;
