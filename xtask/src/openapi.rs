//! `cargo xtask openapi`: the description of the HTTP interface, as a file. A test of `api` compares it.

use std::fs;

use xtask::workspace;

use crate::{
    failure::{Failure, no_arguments},
    interrupt::Interrupt,
    run,
};

/// Asks the server for its description and writes it.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    no_arguments(arguments)?;
    run::to_end(&mut workspace::cargo(["build", "-p", "server"]), stop)?;
    let mut server = workspace::cargo(["run", "--quiet", "-p", "server", "--", "openapi"]);
    let description = run::output(&mut server)?;
    let path = workspace::root().join("docs/openapi.json");
    fs::write(&path, description).map_err(Failure::while_doing("write docs/openapi.json"))?;
    println!("wrote {}", path.display());
    Ok(())
}
