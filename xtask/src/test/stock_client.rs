//! The Socket.IO client everybody uses, for the tests that let it loose on the server.

use std::{
    fs,
    path::{Path, PathBuf},
};

use xtask::{node, workspace};

use crate::failure::Failure;

/// Installs what its lock file pins, unless that is there already, and says where.
pub(super) fn install() -> Result<PathBuf, Failure> {
    let folder = workspace::root().join("crates/server/tests/stock-client");
    // Asked for even when nothing is to be installed: the tests need Node itself.
    node::npm()?;
    if !is_current(&folder) {
        node::install_locked(&folder)?;
    }
    Ok(folder)
}

// npm leaves its own copy of the lock in what it installed, written after it.
fn is_current(folder: &Path) -> bool {
    let written = |name: &str| fs::metadata(folder.join(name))?.modified();
    match (written("package-lock.json"), written("node_modules/.package-lock.json")) {
        (Ok(wanted), Ok(installed)) => wanted <= installed,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_installation_is_not_current() {
        let folder = std::env::temp_dir().join(format!("stock-client-test-{}", std::process::id()));
        fs::create_dir_all(folder.join("node_modules")).expect("a folder");
        fs::write(folder.join("package-lock.json"), "").expect("a file");
        let before = is_current(&folder);
        fs::write(folder.join("node_modules/.package-lock.json"), "").expect("a file");
        let after = is_current(&folder);
        fs::remove_dir_all(&folder).expect("ours");
        assert!(!before && after);
    }
}
