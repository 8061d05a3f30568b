//! The JavaScript client library that everybody uses.

use std::{env, path::PathBuf};

/// The folder in whose `node_modules` it is installed.
///
/// # Panics
/// When `STOCK_CLIENT_DIR` does not say where that is.
pub fn folder() -> PathBuf {
    let folder = env::var_os("STOCK_CLIENT_DIR").map(PathBuf::from);
    folder.expect("STOCK_CLIENT_DIR is not set: run the tests with `cargo xtask test`")
}
