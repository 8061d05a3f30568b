//! Measures a server and prints a report in Markdown.

use std::{io::stdout, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use rig::{
    Fault,
    bench::{Plan, run},
};

const DURATION_S: u64 = 20;
const QUICK_S: u64 = 4;

/// Measures a server on a PostgreSQL and prints a report in Markdown.
#[derive(Debug, Parser)]
struct Arguments {
    /// A superuser's URL of the cluster; a database of its own is made there, and dropped.
    #[arg(long)]
    database_url: String,
    /// The server's program.
    #[arg(long)]
    server: PathBuf,
    /// Shorter measurements, for a first look.
    #[arg(long)]
    quick: bool,
    /// How many messages the large history has.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(200..))]
    messages: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seconds = if arguments.quick { QUICK_S } else { DURATION_S };
    let plan = Plan {
        database_url: arguments.database_url,
        server: arguments.server,
        messages: arguments.messages,
        duration: Duration::from_secs(seconds),
    };
    match run(&plan, &mut stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fail(&fault),
    }
}

#[expect(clippy::print_stderr, reason = "this is what a command line tool fails with")]
fn fail(fault: &Fault) -> ExitCode {
    eprintln!("bench: {}", fault.chain());
    ExitCode::FAILURE
}
