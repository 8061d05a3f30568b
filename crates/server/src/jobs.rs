//! Work that may wait (D14): done in the background, looked at by operators.

mod runner;
pub(crate) mod verb;

pub(crate) use runner::{JobBell, Runner, RunnerSettings};
