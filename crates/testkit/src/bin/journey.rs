//! Plays one conversation against a running server and prints its transcript.

use std::{io::stdout, process::ExitCode};

use clap::Parser;
use testkit::{
    Fault,
    journey::{Target, run},
};

/// Plays a conversation between a salon and a client against a running server.
#[derive(Debug, Parser)]
struct Arguments {
    /// The address of the server.
    #[arg(long)]
    url: String,
    /// A token of a salon user.
    #[arg(long)]
    salon_token: String,
    /// A token of a client.
    #[arg(long)]
    client_token: String,
    /// A token of the platform's booking service.
    #[arg(long)]
    service_token: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { url, salon_token, client_token, service_token } = Arguments::parse();
    let target = Target { url, salon_token, client_token, service_token };
    match run(&target, &mut stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fail(&fault),
    }
}

#[expect(clippy::print_stderr, reason = "this is what a command line tool fails with")]
fn fail(fault: &Fault) -> ExitCode {
    eprintln!("\n  NOT AS PROMISED: {}\n", fault.chain());
    ExitCode::FAILURE
}
