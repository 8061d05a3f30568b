//! Node.js and its package client, which the stock Socket.IO client and, without PostgreSQL, the database come through.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    package::{Missing, Package},
    process,
};

const NODE: Package = Package {
    name: "Node.js 18 or newer with npm",
    debian: "nodejs npm",
    fedora: "nodejs npm",
    alpine: "nodejs npm",
    arch: "nodejs npm",
    homebrew: Some("node"),
};

/// `npm` is missing or failed.
#[derive(Debug)]
pub enum NodeError {
    /// There is none, and we may not or cannot install it.
    Missing(Missing),
    /// It could not be started.
    Start(io::Error),
    /// It ran and failed; it has said why on the terminal.
    Failed(PathBuf),
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::Start(_) => f.write_str("npm could not be started"),
            Self::Failed(folder) => write!(f, "npm ci failed in {}", folder.display()),
        }
    }
}

impl std::error::Error for NodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start(source) => Some(source),
            Self::Missing(_) | Self::Failed(_) => None,
        }
    }
}

/// Installs what the lock file in `folder` pins, and nothing else: no script of a package runs.
/// Each archive must match the lock's sha512, or npm refuses it.
///
/// # Errors
/// See [`NodeError`].
pub fn install_locked(folder: &Path) -> Result<(), NodeError> {
    let status = Command::new(npm()?)
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--no-update-notifier",
        ])
        .current_dir(folder)
        // Our own output may be read by a program.
        .stdout(io::stderr())
        .status()
        .map_err(NodeError::Start)?;
    if status.success() { Ok(()) } else { Err(NodeError::Failed(folder.to_owned())) }
}

/// The same, unless that is there already. Asks for Node.js either way: who calls this runs it next.
///
/// # Errors
/// See [`NodeError`].
pub fn ensure_locked(folder: &Path) -> Result<(), NodeError> {
    npm()?;
    // Several tests may begin at once; the second then finds the work done.
    let lock = fs::File::open(folder.join("package-lock.json")).map_err(NodeError::Start)?;
    lock.lock().map_err(NodeError::Start)?;
    if is_current(folder) { Ok(()) } else { install_locked(folder) }
}

// npm leaves its own copy of the lock in what it installed, written after it.
fn is_current(folder: &Path) -> bool {
    let written = |name: &str| fs::metadata(folder.join(name))?.modified();
    match (written("package-lock.json"), written("node_modules/.package-lock.json")) {
        (Ok(wanted), Ok(installed)) => wanted <= installed,
        _ => false,
    }
}

/// Where `npm` is. The administrator of a machine without it gets it installed by the system's package manager.
///
/// # Errors
/// [`NodeError::Missing`], whose text says what to install.
pub fn npm() -> Result<PathBuf, NodeError> {
    NODE.require(found).map_err(NodeError::Missing)
}

fn found() -> Option<PathBuf> {
    process::find("node").and_then(|_| process::find("npm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_installation_is_not_current() {
        let folder = std::env::temp_dir().join(format!("installed-test-{}", std::process::id()));
        fs::create_dir_all(folder.join("node_modules")).expect("a folder");
        fs::write(folder.join("package-lock.json"), "").expect("a file");
        let before = is_current(&folder);
        fs::write(folder.join("node_modules/.package-lock.json"), "").expect("a file");
        let after = is_current(&folder);
        fs::remove_dir_all(&folder).expect("ours");
        assert!(!before && after);
    }
}
