//! `cargo xtask openapi`: the descriptions of the HTTP and the socket interfaces, as files. Tests of `api` compare
//! them.

use std::fs;

use xtask::workspace;

use crate::{
    failure::{Failure, no_arguments},
    interrupt::Interrupt,
    run,
};

/// Each description: the verb of the server that prints it, and its file.
const DESCRIPTIONS: [(&str, &str); 3] = [
    ("openapi", "docs/openapi.json"),
    ("openapi-internal", "docs/openapi-internal.json"),
    ("asyncapi", "docs/asyncapi.json"),
];

/// Asks the server for its descriptions and writes them.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    no_arguments(arguments)?;
    run::to_end(&mut workspace::cargo(["build", "-p", "server"]), stop)?;
    for (verb, place) in DESCRIPTIONS {
        let mut server = workspace::cargo(["run", "--quiet", "-p", "server", "--", verb]);
        let path = workspace::root().join(place);
        fs::write(&path, run::output(&mut server)?)
            .map_err(Failure::while_doing("write a description"))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
