//! `cargo xtask reference-db`: a database of the legacy system, to try an import with.

use std::process::Command;

use xtask::{
    postgres::{Cluster, Durability, Options},
    workspace,
};

use crate::{failure::Failure, interrupt::Interrupt, run};

/// Connections for people and their tools.
const MAX_CONNECTIONS: u16 = 100;

/// Creates it on a cluster of its own, prints its URL, and stops on Ctrl-C. `arguments` are passed to the program that
/// creates it: `--conversations N --messages N`.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    let mut build = workspace::cargo(["build", "-p", "testkit", "--bin", "reference_db"]);
    run::to_end(&mut build, stop)?;
    let cluster = Cluster::start(Options {
        directory: workspace::target().join("postgres/reference"),
        // Created each time, so nothing is lost with it.
        durability: Durability::Fast,
        max_connections: MAX_CONNECTIONS,
        ephemeral: true,
    })?;
    let mut make = Command::new(workspace::target().join("debug/reference_db"));
    make.args(["--database-url", &cluster.url("postgres")]).args(arguments);
    run::to_end(&mut make, stop)?;
    match stop.until(|| Ok(None::<()>)) {
        Err(Failure::Interrupted) => Ok(cluster.stop()?),
        other => other,
    }
}
