//! Measures a server and prints a report in Markdown.

use std::{io::stdout, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use testkit::{
    Fault,
    bench::{Bookings, Plan, Subject, run, run_one},
    mail_drill,
    reference::Size,
    resume_load,
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
    /// Measure this alone.
    #[command(subcommand)]
    only: Option<Only>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, Subcommand)]
enum Only {
    /// Clients that are cut off again and again, on a server that is killed again and again.
    ResumeLoad {
        /// Clients, five in each conversation.
        #[arg(long, default_value_t = 500)]
        clients: usize,
        /// Messages a second, over all conversations.
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
        messages_per_second: u32,
        /// How often the server is killed.
        #[arg(long, default_value_t = 10)]
        restarts: usize,
        /// From one kill to the next, in seconds.
        #[arg(long, default_value_t = 5)]
        restart_interval_s: u64,
        /// The longest that a connection lasts, in seconds; the shortest is a quarter of it.
        #[arg(long, default_value_t = 6)]
        cut_after_max_s: u64,
    },
    /// Clients that stop reading under load.
    Slow {
        /// All clients.
        #[arg(long, default_value_t = 1_000)]
        clients: usize,
        /// Those who stop.
        #[arg(long, default_value_t = 100)]
        slow: usize,
    },
    /// Authenticated sockets that do nothing.
    Sockets {
        /// How many.
        #[arg(long, default_value_t = 10_000)]
        count: usize,
    },
    /// Reports about bookings, with PostgreSQL away in the middle.
    Bookings {
        /// How many, each about a booking of its own.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
        reports: u32,
        /// How long PostgreSQL is away, in seconds.
        #[arg(long, default_value_t = 30)]
        outage_s: u64,
    },
    /// Notices by mail, with a mail server that refuses and a server that is killed.
    Mails {
        /// How many people are written to.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
        notices: u32,
        /// How often the server is killed.
        #[arg(long, default_value_t = 10)]
        kills: usize,
    },
    /// Moving in from a database as the former application keeps it.
    Import {
        /// How many conversations it has.
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(50..))]
        conversations: u32,
        /// How many messages it has.
        #[arg(long, default_value_t = 500_000)]
        messages: u32,
    },
}

impl Only {
    fn subject(self) -> Subject {
        match self {
            Self::ResumeLoad {
                clients,
                messages_per_second,
                restarts,
                restart_interval_s,
                cut_after_max_s,
            } => Subject::ResumeLoad(resume_load::Plan {
                clients,
                messages_per_second,
                restarts,
                restart_interval: Duration::from_secs(restart_interval_s),
                cut_after_max: Duration::from_secs(cut_after_max_s),
            }),
            Self::Slow { clients, slow } => Subject::SlowReaders { clients, slow },
            Self::Sockets { count } => Subject::IdleSockets { count },
            Self::Bookings { reports, outage_s } => Subject::Bookings(Bookings {
                reports: usize::try_from(reports).unwrap_or(usize::MAX),
                outage: Duration::from_secs(outage_s),
            }),
            Self::Mails { notices, kills } => Subject::Mails(mail_drill::Plan {
                notices: usize::try_from(notices).unwrap_or(usize::MAX),
                kills,
            }),
            Self::Import { conversations, messages } => {
                Subject::MovingIn(Size { conversations, messages })
            }
        }
    }
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
    let measured = match arguments.only {
        Some(only) => run_one(&plan, &only.subject(), &mut stdout()).await,
        None => run(&plan, &mut stdout()).await,
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fail(&fault),
    }
}

#[expect(clippy::print_stderr, reason = "this is what a command line tool fails with")]
fn fail(fault: &Fault) -> ExitCode {
    eprintln!("bench: {}", fault.chain());
    ExitCode::FAILURE
}
