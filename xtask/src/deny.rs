//! `cargo xtask deny`: the licences, bans and sources of `deny.toml`, checked by cargo-deny.

use std::{path::PathBuf, process::Command};

use xtask::{process, workspace};

use crate::{
    failure::{Failure, no_arguments},
    interrupt::Interrupt,
    run,
};

/// The version that is built when the machine has none.
const VERSION: &str = "0.20.2";

/// Checks every dependency. Advisories are left out: they need a copy of their database from elsewhere.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let program = install(stop)?;
    let mut deny = Command::new(program);
    deny.current_dir(workspace::root()).args([
        "--locked",
        "--log-level",
        "error",
        "check",
        "licenses",
        "bans",
        "sources",
    ]);
    run::to_end(&mut deny, stop)
}

/// The program of `PATH`, or one that is built from its source once and kept below `target/`.
fn install(stop: &Interrupt) -> Result<PathBuf, Failure> {
    if let Some(found) = process::find("cargo-deny") {
        return Ok(found);
    }
    let root = workspace::target().join("tools");
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        let mut cargo = workspace::cargo(["install", "--locked", "--quiet", "--version", VERSION]);
        cargo.arg("--root").arg(&root).arg("cargo-deny");
        // A build folder of its own: nothing of it is shared with the workspace.
        cargo.env("CARGO_TARGET_DIR", root.join("build"));
        run::to_end(&mut cargo, stop)?;
    }
    Ok(program)
}
