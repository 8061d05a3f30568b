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
    /// A superuser's URL of the cluster; a new database is created there, and dropped at the end.
    #[arg(long)]
    database_url: String,
    /// The server's program.
    #[arg(long)]
    server: PathBuf,
    /// Shorter measurements, for a first look.
    #[arg(long)]
    quick: bool,
    /// The number of messages in the large history.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(200..))]
    messages: u32,
    /// Run only this measurement.
    #[command(subcommand)]
    only: Option<Only>,
}

/// The measurements that run separately.
#[derive(Clone, Copy, Debug, Subcommand)]
enum Only {
    /// Clients whose connections are cut repeatedly, on a server that is killed repeatedly.
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
        /// The time between kills, in seconds.
        #[arg(long, default_value_t = 5)]
        restart_interval_s: u64,
        /// The maximum lifetime of a connection, in seconds; the minimum is a quarter of it.
        #[arg(long, default_value_t = 6)]
        cut_after_max_s: u64,
    },
    /// Clients that stop reading under load.
    Slow {
        /// All clients.
        #[arg(long, default_value_t = 1_000)]
        clients: usize,
        /// The clients that stop reading.
        #[arg(long, default_value_t = 100)]
        slow: usize,
    },
    /// Authenticated idle sockets.
    Sockets {
        /// The number of sockets.
        #[arg(long, default_value_t = 10_000)]
        count: usize,
    },
    /// Appointment reports with a PostgreSQL outage.
    Bookings {
        /// The number of reports, each about a different booking.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
        reports: u32,
        /// The duration of the PostgreSQL outage, in seconds.
        #[arg(long, default_value_t = 30)]
        outage_s: u64,
    },
    /// Notification mails, with a failing mail server and a server that is killed.
    Mails {
        /// The number of people who are notified.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
        notices: u32,
        /// How often the server is killed.
        #[arg(long, default_value_t = 10)]
        kills: usize,
    },
    /// An import from a database of the former application.
    Import {
        /// The number of conversations.
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(50..))]
        conversations: u32,
        /// The number of messages.
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
