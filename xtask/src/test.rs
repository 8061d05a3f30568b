//! `cargo xtask test`: all checks, step by step.

mod binary;
mod chromium;
mod layer;
mod pgbouncer;
mod python_client;
mod report;
mod stock_client;
mod suites;

use std::{env, path::Path, process::Command, thread};

use binary::Binary;
use layer::Layer;
use report::{Report, TestCount};
use xtask::{
    postgres::{Cluster, Durability, Options},
    workspace,
};

use crate::{
    deny,
    failure::{Failure, no_arguments},
    interrupt::Interrupt,
    layers, notices, run,
};

/// Many tests at once, each with a pool or a server of its own.
const MAX_CONNECTIONS: u16 = 300;

/// Runs every step; the first that fails is the last.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let mut report = Report::begin();
    report.step("fmt", || run::to_end(&mut workspace::cargo(["fmt", "--all", "--check"]), stop))?;
    report.step("clippy", || clippy(stop))?;
    report.step("layers", || layers::run(&[]))?;
    report.step("dependencies", || deny::run(&[], stop).and_then(|()| notices::check()))?;
    report.step("docs", || docs(stop))?;
    let client = report.step("stock client", stock_client::install)?;
    report.step("chromium", chromium::install)?;
    let python = report.step("python client", || python_client::install(stop))?;
    report.step("pgbouncer", pgbouncer::install)?;
    let (binaries, cluster) = report.step("compile", || compile_beside_the_database(stop))?;
    for layer in Layer::ALL {
        let database_url = &cluster.url("postgres");
        let environment = Environment { database_url, client: &client, python: &python, stop };
        report.tests(layer.name(), |count| environment.run(layer, &binaries, count))?;
    }
    cluster.stop()?;
    if let Some(folder) = suites::folder() {
        report.tests("protocol suites", |count| suites::run(&folder, count, stop))?;
    }
    report.print();
    Ok(())
}

fn clippy(stop: &Interrupt) -> Result<(), Failure> {
    let mut clippy = workspace::cargo(["clippy", "--workspace", "--all-targets"]);
    run::to_end(clippy.args(["--", "-D", "warnings"]), stop)
}

fn docs(stop: &Interrupt) -> Result<(), Failure> {
    let mut docs = workspace::cargo(["doc", "--workspace", "--no-deps"]);
    run::to_end(docs.env("RUSTDOCFLAGS", "-D warnings"), stop)
}

fn compile_beside_the_database(stop: &Interrupt) -> Result<(Vec<Binary>, Cluster), Failure> {
    thread::scope(|scope| {
        let cluster = scope.spawn(|| {
            Cluster::start(Options {
                directory: workspace::target().join("postgres/test"),
                durability: Durability::Fast,
                max_connections: MAX_CONNECTIONS,
                ephemeral: true,
            })
        });
        let binaries = binary::compile(stop);
        let cluster = cluster.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((binaries?, cluster?))
    })
}

/// What test programs get through their environment.
struct Environment<'a> {
    database_url: &'a str,
    client: &'a Path,
    python: &'a Path,
    stop: &'a Interrupt,
}

impl Environment<'_> {
    fn run(&self, layer: Layer, binaries: &[Binary], count: &mut TestCount) -> Result<(), Failure> {
        for binary in binaries {
            if Layer::of(binary)? == layer {
                self.run_program(&binary.title(), binary.command(), count)?;
            }
        }
        if layer == Layer::Unit {
            // Examples in the documentation are no binaries; cargo runs them itself.
            let examples = workspace::cargo(["test", "--workspace", "--doc"]);
            self.run_program("examples in the documentation", examples, count)?;
        }
        Ok(())
    }

    fn run_program(
        &self,
        title: &str,
        mut command: Command,
        count: &mut TestCount,
    ) -> Result<(), Failure> {
        println!("\n{title}");
        command
            .env("TEST_DATABASE_URL", self.database_url)
            .env("STOCK_CLIENT_DIR", self.client)
            .env("PYTHON_CLIENT", self.python)
            // What a developer's shell has set must not change what is tested.
            .env_remove("DATABASE_URL")
            .env_remove("DATABASE_DIRECT_URL")
            .env_remove("JWT_SECRET");
        if env::var_os("RUST_BACKTRACE").is_none() {
            command.env("RUST_BACKTRACE", "1");
        }
        let ran = run::by_line(&mut command, self.stop, |line| {
            println!("{line}");
            count.read(line);
        });
        match ran {
            Err(Failure::Program(..)) => Err(Failure::Other(format!("{title} failed"))),
            other => other,
        }
    }
}
