//! Chromium, the browser in which the stock client is tested too.
#![expect(clippy::print_stderr, reason = "an installation must not be silent")]

use std::{io, process::Command};

use xtask::process;

use crate::failure::Failure;

/// The system's ways to install it, each a sequence of calls. All of them need the administrator.
const INSTALLERS: &[&[&[&str]]] = &[
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
    if !is_there() && process::is_root() {
        call_the_installer();
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

fn call_the_installer() {
    let installer = INSTALLERS.iter().find(|calls| process::find(calls[0][0]).is_some());
    for call in installer.into_iter().copied().flatten() {
        eprintln!("Chromium is missing; installing it: {}", call.join(" "));
        let status = Command::new(call[0])
            .args(&call[1..])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(io::stderr())
            .status();
        // A stale package list need not prevent the installation; whether it worked is asked afterwards.
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => eprintln!("{} ended with {status}", call[0]),
            Err(error) => eprintln!("{} could not be started: {error}", call[0]),
        }
    }
}
