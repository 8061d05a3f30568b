//! The Python client library of Socket.IO.

use std::{env, path::PathBuf};

/// The Python in whose environment it is installed.
///
/// # Panics
/// When `PYTHON_CLIENT` does not say where that is.
pub fn program() -> PathBuf {
    let program = env::var_os("PYTHON_CLIENT").map(PathBuf::from);
    program.expect("PYTHON_CLIENT is not set: run the tests with `cargo xtask test`")
}

// The JavaScript client library that everybody uses.

/// The folder in whose `node_modules` it is installed.
///
/// # Panics
/// When `STOCK_CLIENT_DIR` does not say where that is.
pub fn folder() -> PathBuf {
    let folder = env::var_os("STOCK_CLIENT_DIR").map(PathBuf::from);
    folder.expect("STOCK_CLIENT_DIR is not set: run the tests with `cargo xtask test`")
}
