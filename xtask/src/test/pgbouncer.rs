//! `pgbouncer`, the connection pooler that the server is tested against.

use xtask::{
    package::{self, Installer},
    postgres::Pooler,
};

use crate::failure::Failure;

/// The system's ways to install it.
const INSTALLERS: &[Installer] = &[
    &[
        &["apt-get", "update", "-qq"],
        &["apt-get", "install", "-y", "-qq", "--no-install-recommends", "pgbouncer"],
    ],
    &[&["dnf", "install", "-y", "-q", "pgbouncer"]],
    &[&["apk", "add", "--quiet", "pgbouncer"]],
    &[&["pacman", "-Sy", "--noconfirm", "pgbouncer"]],
];

/// Makes sure that `pgbouncer` is there. The administrator of a machine without it gets it installed
/// by the system's package manager.
pub(super) fn install() -> Result<(), Failure> {
    if Pooler::program().is_none() {
        package::install("PgBouncer", INSTALLERS);
    }
    Pooler::program().map(drop).ok_or_else(|| {
        Failure::Other(
            "PgBouncer is needed for the tests, as `pgbouncer` on PATH. Install it, then run this again:\n  \
             Debian, Ubuntu  sudo apt-get install pgbouncer\n  \
             Fedora, RHEL    sudo dnf install pgbouncer\n  \
             Alpine          sudo apk add pgbouncer\n  \
             Arch            sudo pacman -S pgbouncer"
                .into(),
        )
    })
}
