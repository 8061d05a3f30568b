//! Fills a database in the schema of the former application, and prints its URL.

use std::process::ExitCode;

use clap::Parser;
use testkit::{
    Fault, database,
    reference::{self, Size},
};

/// Fills a database in the schema of the former application, and prints its URL.
#[derive(Debug, Parser)]
struct Arguments {
    /// An empty database.
    #[arg(long)]
    database_url: String,
    /// The number of conversations.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(50..))]
    conversations: u32,
    /// The number of messages.
    #[arg(long, default_value_t = 500_000)]
    messages: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match make(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fail(&fault),
    }
}

#[expect(clippy::print_stdout, reason = "this is what a command line tool answers with")]
async fn make(arguments: &Arguments) -> Result<(), Fault> {
    let client = database::connect(&arguments.database_url).await?;
    let Arguments { conversations, messages, .. } = *arguments;
    reference::fill(&client, Size { conversations, messages }).await?;
    println!("{}", arguments.database_url);
    Ok(())
}

#[expect(clippy::print_stderr, reason = "this is what a command line tool fails with")]
fn fail(fault: &Fault) -> ExitCode {
    eprintln!("reference_db: {}", fault.chain());
    ExitCode::FAILURE
}
