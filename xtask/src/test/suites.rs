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

use super::report::TestCount;
use crate::{failure::Failure, interrupt::Interrupt, run};

/// Where they lie.
const VARIABLE: &str = "PROTOCOL_SUITES";
/// The suites.
const SUITES: [Suite; 2] = [
    Suite { repository: "engine.io-protocol", tests: 24 },
    Suite { repository: "socket.io-protocol", tests: 32 },
];
/// Where the suites look for a server; it is written in them.
const ADDRESS: &str = "localhost:3000";
/// How long the echo application may take to listen.
const START_MAX: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// A suite, and how many tests it has.
#[derive(Clone, Copy, Debug)]
struct Suite {
    repository: &'static str,
    tests: usize,
}

impl Suite {
    fn folder(self, checkouts: &Path) -> PathBuf {
        checkouts.join(self.repository).join("test-suite")
    }

    /// A suite may gain tests. One that ran fewer was not run as published: mocha ends well even
    /// when it ran none.
    fn check(self, count: TestCount) -> Result<(), Failure> {
        let Self { repository, tests } = self;
        if count.passed >= tests {
            return Ok(());
        }
        let passed = count.passed;
        Err(Failure::Other(format!("{repository}: {passed} tests passed, {tests} were expected")))
    }
}

/// The folder they lie in. Without one, says that they are not run.
pub(super) fn folder() -> Option<PathBuf> {
    let folder = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    if folder.is_none() {
        println!("\nThe public protocol suites are not run: {VARIABLE} names no folder.");
    }
    folder
}

/// Runs both against the echo application.
pub(super) fn run(folder: &Path, count: &mut TestCount, stop: &Interrupt) -> Result<(), Failure> {
    for suite in &SUITES {
        node::ensure_locked(&suite.folder(folder))?;
    }
    let mut build = workspace::cargo(["build", "--package", "socketio", "--example", "echo"]);
    run::to_end(&mut build, stop)?;
    let mut echo = start()?;
    for suite in &SUITES {
        let folder = suite.folder(folder);
        println!("\n{}", folder.display());
        let mut mocha = Command::new("node");
        mocha.args(["node_modules/mocha/bin/mocha", "test-suite.js"]).current_dir(folder);
        let mut passed = TestCount::default();
        run::by_line(&mut mocha, stop, |line| {
            println!("{line}");
            passed.read_mocha(line);
        })?;
        suite.check(passed)?;
        count.passed += passed.passed;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_ran_fewer_tests_than_it_has_fails_by_name() {
        assert_eq!(SUITES.map(|suite| suite.tests), [24, 32]);
        for suite in SUITES {
            let ran = |passing: usize| {
                let mut count = TestCount::default();
                count.read_mocha(&format!("  {passing} passing (1ms)"));
                suite.check(count)
            };
            assert!(ran(suite.tests).is_ok() && ran(suite.tests + 1).is_ok());
            for few in [0, suite.tests - 1] {
                let text = ran(few).expect_err("too few").to_string();
                let expected = format!("{few} tests passed, {} were expected", suite.tests);
                assert_eq!(text, format!("{}: {expected}", suite.repository));
            }
        }
    }
}
