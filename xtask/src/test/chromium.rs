//! Chromium, the browser in which the stock client is tested too.

use xtask::{
    package::{self, Installer},
    process,
};

use crate::failure::Failure;

/// The system's ways to install it.
const INSTALLERS: &[Installer] = &[
    &[
        &["apt-get", "update", "-qq"],
        &["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
    ],
    &[&["dnf", "install", "-y", "-q", "chromium"]],
    &[&["apk", "add", "--quiet", "chromium"]],
    &[&["pacman", "-Sy", "--noconfirm", "chromium"]],
];

/// Makes sure that `chromium` is on `PATH`. The administrator of a machine without it gets it installed
/// by the system's package manager.
pub(super) fn install() -> Result<(), Failure> {
    if !is_there() {
        package::install("Chromium", INSTALLERS);
    }
    is_there().then_some(()).ok_or_else(|| {
        Failure::Other(
            "Chromium is needed for the tests, as `chromium` on PATH. Install it, then run this again:\n  \
             Debian, Ubuntu  sudo apt-get install chromium\n  \
             Fedora, RHEL    sudo dnf install chromium\n  \
             Alpine          sudo apk add chromium\n  \
             Arch            sudo pacman -S chromium"
                .into(),
        )
    })
}

fn is_there() -> bool {
    process::find("chromium").is_some()
}
