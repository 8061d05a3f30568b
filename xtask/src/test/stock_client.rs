//! The Socket.IO client everybody uses, for the tests that let it loose on the server.

use std::path::PathBuf;

use xtask::{node, workspace};

use crate::failure::Failure;

/// Installs what its lock file pins, unless that is there already, and says where.
pub(super) fn install() -> Result<PathBuf, Failure> {
    let folder = workspace::root().join("crates/server/tests/stock-client");
    node::ensure_locked(&folder)?;
    Ok(folder)
}
