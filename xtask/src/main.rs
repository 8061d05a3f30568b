//! `cargo xtask`: the build's verbs. `cargo xtask help` lists them.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to its terminal"
)]

mod bench;
mod deny;
mod dev;
mod drill;
mod failure;
mod help;
mod interrupt;
mod layers;
mod notices;
mod openapi;
mod paint;
mod reference;
mod run;
mod scratch;
mod size;
mod test;

use std::{env, process::ExitCode};

use failure::Failure;
use interrupt::Interrupt;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match Interrupt::listen().and_then(|stop| perform(&arguments, &stop)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", paint::red(&failure.to_string()));
            if matches!(failure, Failure::Usage(_)) {
                eprintln!("\n{}", help::TEXT);
            }
            failure.exit_code()
        }
    }
}

fn perform(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    let Some((verb, rest)) = arguments.split_first() else {
        return Err(Failure::Usage("no verb given".into()));
    };
    match verb.as_str() {
        "dev" => dev::run(rest, stop),
        "test" => test::run(rest, stop),
        "bench" => bench::run(rest, stop),
        "drill" => drill::run(rest, stop),
        "postgres" => scratch::run(rest, stop),
        "reference-db" => reference::run(rest, stop),
        "layers" => layers::run(rest),
        "deny" => deny::run(rest, stop),
        "notices" => notices::run(rest),
        "size" => size::run(rest),
        "openapi" => openapi::run(rest, stop),
        "help" | "--help" | "-h" => {
            println!("{}", help::TEXT);
            Ok(())
        }
        unknown => Err(Failure::Usage(format!("there is no verb `{unknown}`"))),
    }
}
