//! `cargo xtask bench`: a release build under load, on a durable database.

use std::process::Command;

use xtask::{
    postgres::{Cluster, Durability, Options},
    workspace,
};

use crate::{failure::Failure, interrupt::Interrupt, run};

/// Enough for any number of workers the load generator asks for.
const MAX_CONNECTIONS: u16 = 300;

/// Builds, measures, stops. `arguments` are passed to the load generator.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    let mut build = workspace::cargo(["build", "--release", "-p", "server", "-p", "testkit"]);
    run::to_end(&mut build, stop)?;
    let cluster = Cluster::start(Options {
        directory: workspace::target().join("postgres/bench"),
        // `fsync` stays on: numbers without durability are meaningless.
        durability: Durability::Durable,
        max_connections: MAX_CONNECTIONS,
        ephemeral: true,
    })?;
    let release = workspace::target().join("release");
    let mut bench = Command::new(release.join("bench"));
    bench
        .current_dir(workspace::root())
        .args(["--database-url", &cluster.url("postgres"), "--server"])
        .arg(release.join("messaging-server"))
        .args(arguments);
    let measured = run::to_end(&mut bench, stop);
    cluster.stop()?;
    measured
}
