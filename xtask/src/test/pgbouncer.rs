//! `pgbouncer`, the connection pooler that the server is tested against.

use xtask::{package::Package, postgres::Pooler};

use crate::failure::Failure;

const PGBOUNCER: Package = Package {
    name: "PgBouncer, as `pgbouncer` on PATH,",
    debian: "pgbouncer",
    fedora: "pgbouncer",
    alpine: "pgbouncer",
    arch: "pgbouncer",
    homebrew: Some("pgbouncer"),
};

/// Makes sure that `pgbouncer` is there.
pub(super) fn install() -> Result<(), Failure> {
    PGBOUNCER.require(Pooler::program).map(drop).map_err(Failure::from)
}
