//! `cargo xtask drill`: a backup, a restore, and people who must stay erased.

use std::process::Command;

use xtask::{
    postgres::{Cluster, Durability, Options},
    workspace,
};

use crate::{
    failure::{Failure, no_arguments},
    interrupt::Interrupt,
    run,
};

const MAX_CONNECTIONS: u16 = 60;

/// Builds, starts two clusters, and has the drill done from one to the other.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let server = ["build", "-p", "server", "--bin", "messaging-server"];
    let mut build = workspace::cargo(server);
    run::to_end(build.args(["-p", "testkit", "--bin", "drill"]), stop)?;
    let (source, target) = (cluster("drill-source")?, cluster("drill-target")?);
    let programs = workspace::target().join("debug");
    let mut drill = Command::new(programs.join("drill"));
    drill
        .current_dir(workspace::root())
        .args(["--from", &source.url("postgres"), "--to", &target.url("postgres"), "--server"])
        .arg(programs.join("messaging-server"));
    let done = run::to_end(&mut drill, stop);
    source.stop()?;
    target.stop()?;
    done
}

// Empty at the start, gone at the end; a commit is on disk as in production.
fn cluster(name: &str) -> Result<Cluster, Failure> {
    let options = Options {
        directory: workspace::target().join("postgres").join(name),
        durability: Durability::Durable,
        max_connections: MAX_CONNECTIONS,
        ephemeral: true,
    };
    Ok(Cluster::start(options)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_takes_no_arguments() {
        let call = ["--quick".to_owned()];
        assert!(matches!(run(&call, &Interrupt::never()), Err(Failure::Usage(_))));
    }
}
