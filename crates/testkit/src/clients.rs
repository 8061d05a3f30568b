//! The Socket.IO client libraries for tests: Python and JavaScript.

use std::{env, path::PathBuf};

/// The Python interpreter of the environment with the client library.
///
/// # Panics
/// When `PYTHON_CLIENT` is not set.
pub fn program() -> PathBuf {
    let program = env::var_os("PYTHON_CLIENT").map(PathBuf::from);
    program.expect("PYTHON_CLIENT is not set: run the tests with `cargo xtask test`")
}

// The stock JavaScript client library.

/// The folder whose `node_modules` contains the client library.
///
/// # Panics
/// When `STOCK_CLIENT_DIR` is not set.
pub fn folder() -> PathBuf {
    let folder = env::var_os("STOCK_CLIENT_DIR").map(PathBuf::from);
    folder.expect("STOCK_CLIENT_DIR is not set: run the tests with `cargo xtask test`")
}
