//! The public test suites of the two protocols, as their authors publish them, against our echo application.
//!
//! They are not ours to keep, so they are run where `PROTOCOL_SUITES` says that they lie: a folder with checkouts of
//! `engine.io-protocol` and `socket.io-protocol` from <https://github.com/socketio>.

use std::{
    env,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use xtask::{node, poll, workspace};

use super::report::Tally;
use crate::{failure::Failure, interrupt::Interrupt, run};

/// Where they lie.
const VARIABLE: &str = "PROTOCOL_SUITES";
/// The repositories, by name.
const SUITES: [&str; 2] = ["engine.io-protocol", "socket.io-protocol"];
/// Where the suites look for a server; it is written in them.
const ADDRESS: &str = "localhost:3000";
/// How long the echo application may take to listen.
const START_MAX: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// The folder they lie in. Without one, says that they are not run.
pub(super) fn folder() -> Option<PathBuf> {
    let folder = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    if folder.is_none() {
        println!("\nThe public protocol suites are not run: {VARIABLE} names no folder.");
    }
    folder
}

/// Runs both against the echo application.
pub(super) fn run(folder: &Path, tally: &mut Tally, stop: &Interrupt) -> Result<(), Failure> {
    let suites = SUITES.map(|name| folder.join(name).join("test-suite"));
    for suite in &suites {
        node::ensure_locked(suite)?;
    }
    let mut build = workspace::cargo(["build", "--package", "socketio", "--example", "echo"]);
    run::to_end(&mut build, stop)?;
    let mut echo = start()?;
    for suite in &suites {
        println!("\n{}", suite.display());
        let mut mocha = Command::new("node");
        mocha.args(["node_modules/mocha/bin/mocha", "test-suite.js"]).current_dir(suite);
        run::by_line(&mut mocha, stop, |line| {
            println!("{line}");
            tally.read_mocha(line);
        })?;
    }
    echo.stop()
}

/// Starts the echo application. Fails when the port is somebody else's: then it could not listen.
fn start() -> Result<run::Running, Failure> {
    let program = workspace::target().join("debug/examples/echo");
    let mut echo = run::Running::start(Command::new(program).arg(ADDRESS))?;
    let is_up = poll::until(START_MAX, PAUSE, || {
        if echo.ended()?.is_some() {
            return Err(Failure::Other(format!("the echo application cannot listen on {ADDRESS}")));
        }
        Ok(TcpStream::connect(ADDRESS).ok())
    })?;
    match is_up {
        Some(_) => Ok(echo),
        None => Err(Failure::Other(format!("the echo application does not listen on {ADDRESS}"))),
    }
}
