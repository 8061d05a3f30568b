//! `cargo xtask drill`: holds the service against what may happen to it.

use std::process::Command;

use xtask::{
    postgres::{Cluster, Durability, Options},
    workspace,
};

use crate::{failure::Failure, interrupt::Interrupt, run};

const MAX_CONNECTIONS: u16 = 60;

/// The drills: `backup` is the one without a name.
const NAMES: [&str; 6] = ["backup", "crash", "two-processes", "locked-row", "hostile", "timing"];

/// Runs a drill: by its name, with `--release` on a release build, and what else it takes.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    let call = Call::parse(arguments)?;
    let mut build = workspace::cargo(["build"]);
    build.args(call.is_release.then_some("--release"));
    build.args(["-p", "server", "--bin", "messaging-server", "-p", "testkit", "--bin", "drill"]);
    run::to_end(&mut build, stop)?;
    let programs = workspace::target().join(if call.is_release { "release" } else { "debug" });
    let mut drill = Command::new(programs.join("drill"));
    drill
        .current_dir(workspace::root())
        .arg("--server")
        .arg(programs.join("messaging-server"))
        .arg(call.name);
    if call.name != "backup" {
        // It starts a cluster of its own, which it may kill.
        return run::to_end(drill.args(call.rest), stop);
    }
    let (source, target) = (cluster("drill-source")?, cluster("drill-target")?);
    drill.args(["--from", &source.url("postgres"), "--to", &target.url("postgres")]);
    let done = run::to_end(drill.args(call.rest), stop);
    source.stop()?;
    target.stop()?;
    done
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Call<'a> {
    name: &'a str,
    is_release: bool,
    rest: Vec<&'a str>,
}

impl<'a> Call<'a> {
    fn parse(arguments: &'a [String]) -> Result<Self, Failure> {
        let name = arguments.first().filter(|first| !first.starts_with('-'));
        let rest = &arguments[usize::from(name.is_some())..];
        let name = name.map_or(NAMES[0], String::as_str);
        if !NAMES.contains(&name) {
            return Err(Failure::Usage(format!("there is no drill `{name}`")));
        }
        let is_flag = |argument: &&str| *argument == "--release";
        let (flags, rest): (Vec<_>, Vec<_>) = rest.iter().map(String::as_str).partition(is_flag);
        Ok(Self { name, is_release: !flags.is_empty(), rest })
    }
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

    fn call(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_drill_that_does_not_exist_is_not_begun() {
        let fire = call("fire --release");
        assert!(matches!(run(&fire, &Interrupt::never()), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_drill_is_called_by_its_name_with_what_it_takes() {
        let table = [
            ("", "backup", false, vec![]),
            ("--release", "backup", true, vec![]),
            ("crash", "crash", false, vec![]),
            ("crash --server-kills 3 --release", "crash", true, vec!["--server-kills", "3"]),
            ("hostile memory --release", "hostile", true, vec!["memory"]),
            ("--clients 5", "backup", false, vec!["--clients", "5"]),
        ];
        for (line, name, is_release, rest) in table {
            let arguments = call(line);
            let parsed = Call::parse(&arguments).expect("a good call");
            assert_eq!(parsed, Call { name, is_release, rest }, "{line}");
        }
    }
}
