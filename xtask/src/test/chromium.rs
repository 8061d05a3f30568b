//! Chromium, the browser in which the stock client is tested too.

use xtask::{package::Package, process};

use crate::failure::Failure;

const CHROMIUM: Package = Package {
    name: "Chromium, as `chromium` on PATH,",
    debian: "chromium",
    fedora: "chromium",
    alpine: "chromium",
    arch: "chromium",
    homebrew: None,
};

/// Makes sure that `chromium` is on `PATH`.
pub(super) fn install() -> Result<(), Failure> {
    CHROMIUM.require(|| process::find("chromium")).map(drop).map_err(Failure::from)
}
