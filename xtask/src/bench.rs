//! `cargo xtask bench`: a release build under load, on a durable database.

use std::process::Command;

use xtask::{
    postgres::{Cluster, Durability, Options},
    workspace,
};

use crate::{failure::Failure, interrupt::Interrupt, run};

/// Enough for any number of workers the load generator asks for.
const MAX_CONNECTIONS: u16 = 300;

/// Builds, measures, stops. `arguments` are passed to the load generator, which checks them before anything
/// is started.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    let mut build = workspace::cargo(["build", "--release", "-p", "server", "-p", "testkit"]);
    run::to_end(&mut build, stop)?;
    let release = workspace::target().join("release");
    let generator = release.join("bench");
    let help = run::output(Command::new(&generator).arg("--check").args(arguments))?;
    if !help.is_empty() {
        print!("{help}");
        return Ok(());
    }
    let cluster = Cluster::start(Options {
        directory: workspace::target().join("postgres/bench"),
        // `fsync` stays on: numbers without durability are meaningless.
        durability: Durability::Durable,
        max_connections: MAX_CONNECTIONS,
        ephemeral: true,
    })?;
    // In the folder of the caller, where the files in `arguments` are.
    let mut bench = Command::new(generator);
    bench
        .args(["--database-url", &cluster.url("postgres"), "--server"])
        .arg(release.join("messaging-server"))
        .args(arguments);
    let measured = run::to_end(&mut bench, stop);
    cluster.stop()?;
    measured
}
