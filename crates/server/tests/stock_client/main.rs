//! The unmodified JavaScript client library against the real server, in Node.js and in Chromium.

mod exchange;
mod performance;
mod scenario;
mod stagehand;

use std::{env, path::PathBuf};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

/// Where the library is installed, and our scripts are.
///
/// # Panics
/// When nobody says so.
fn installed() -> PathBuf {
    let folder = env::var_os("STOCK_CLIENT_DIR").map(PathBuf::from);
    folder.expect("STOCK_CLIENT_DIR is not set: run the tests with `cargo xtask test`")
}
