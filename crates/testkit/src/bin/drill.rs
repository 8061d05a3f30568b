//! Runs a backup drill and prints its transcript.

use std::{io::stdout, path::PathBuf, process::ExitCode};

use clap::Parser;
use testkit::{
    Fault,
    backup::BackupMethod,
    database::Database,
    drill::{Plan, run},
};
use xtask::workspace;

/// Backs up a service, restores it elsewhere, replays the erasures since, and compares everything.
#[derive(Debug, Parser)]
struct Arguments {
    /// A superuser's URL of the cluster of the original service.
    #[arg(long)]
    from: String,
    /// A superuser's URL of the cluster for the restored service.
    #[arg(long)]
    to: String,
    /// The server's program.
    #[arg(long)]
    server: PathBuf,
    /// The number of clients.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(4..))]
    clients: u16,
    /// The number of messages in each conversation.
    #[arg(long, default_value_t = 12)]
    messages: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    match drill(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fail(&fault),
    }
}

async fn drill(arguments: Arguments) -> Result<(), Fault> {
    let from = Database::create(&arguments.from).await?;
    let to = Database::create(&arguments.to).await?;
    let plan = Plan {
        server: arguments.server,
        folder: workspace::target().join("drill"),
        method: BackupMethod::best(&from.url()).await?,
        clients: arguments.clients.into(),
        messages: arguments.messages.into(),
    };
    run(&plan, from, to, &mut stdout()).await
}

#[expect(clippy::print_stderr, reason = "this is what a command line tool fails with")]
fn fail(fault: &Fault) -> ExitCode {
    eprintln!("\n  NOT AS PROMISED: {}\n", fault.chain());
    ExitCode::FAILURE
}
