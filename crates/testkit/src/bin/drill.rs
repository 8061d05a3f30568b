//! Runs a drill, prints what it finds, and fails if a promise was not kept.

use std::{
    env, fmt,
    io::{Write, stdout},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand, builder::PossibleValuesParser};
use testkit::{
    Fault,
    backup::BackupMethod,
    crash::{self, Kills, SETTINGS, Until},
    database::{self, Cluster, Database},
    drill::{Plan, run},
    hostile::{self, Attack, connections},
    locked_row,
    server::{Launch, Server},
    test_app::TestApp,
    timing,
};
use xtask::workspace;

/// Holds a server against what may happen to it.
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program.
    #[arg(long)]
    server: PathBuf,
    #[command(subcommand)]
    drill: Drill,
}

#[derive(Debug, Subcommand)]
enum Drill {
    Backup(Backup),
    Crash(Crash),
    TwoProcesses(TwoProcesses),
    LockedRow(LockedRow),
    Hostile(Hostile),
    Timing(Timing),
    #[command(hide = true)]
    Hold(Hold),
}

/// Backs up a service, restores it elsewhere, replays the erasures since, and compares everything.
#[derive(Debug, clap::Args)]
struct Backup {
    /// A superuser's URL of the cluster of the original service.
    #[arg(long)]
    from: String,
    /// A superuser's URL of the cluster for the restored service.
    #[arg(long)]
    to: String,
    /// The number of clients.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(4..))]
    clients: u16,
    /// The number of messages in each conversation.
    #[arg(long, default_value_t = 12)]
    messages: u16,
}

/// Kills the server, then PostgreSQL (kill -9), under load in full batches; nothing acknowledged may be
/// lost.
#[derive(Debug, clap::Args)]
struct Crash {
    /// How often the server is killed.
    #[arg(long, default_value_t = 50)]
    server_kills: usize,
    /// How often every process of PostgreSQL is killed.
    #[arg(long, default_value_t = 20)]
    database_kills: usize,
}

/// Two servers with two lanes each work on the same conversations.
#[derive(Debug, clap::Args)]
struct TwoProcesses {
    /// For how long.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// The row of one conversation is locked beside the server; what all others wait is measured.
#[derive(Debug, clap::Args)]
struct LockedRow {
    /// For how long the row is locked.
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// For how long is measured before that, and after it.
    #[arg(long, default_value_t = 15)]
    seconds_around: u32,
    /// Requests a second to the other conversations: half of them sends.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_second: u32,
    /// The other conversations.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    conversations: u16,
}

/// Attacks the server with the limits that it has by default, and measures it and what others wait. Each attack
/// is on a server of its own.
#[derive(Debug, clap::Args)]
struct Hostile {
    /// Only these attacks.
    #[arg(value_parser = PossibleValuesParser::new(Attack::ALL.map(Attack::name)))]
    attacks: Vec<String>,
    /// For how long others are measured before an attack, and after it.
    #[arg(long, default_value_t = 15)]
    seconds_around: u32,
}

/// Asks each route for something of others and for something that does not exist; prints how long each takes.
#[derive(Debug, clap::Args)]
struct Timing {
    /// Answers of each kind for each route.
    #[arg(long, default_value_t = 2_000)]
    samples: usize,
}

/// Holds connections half open; for `hostile`, which starts processes that do.
#[derive(Debug, clap::Args)]
struct Hold {
    to: SocketAddr,
    count: usize,
    seconds: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    match drill(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fail(&fault),
    }
}

async fn drill(Arguments { server, drill }: Arguments) -> Result<(), Fault> {
    match drill {
        Drill::Backup(backup) => run_backup(server, backup).await,
        Drill::Crash(crash) => run_crash(&server, &crash).await,
        Drill::TwoProcesses(plan) => run_two_processes(&server, &plan).await,
        Drill::LockedRow(plan) => run_locked_row(&server, &plan).await,
        Drill::Hostile(plan) => run_hostile(&server, &plan).await,
        Drill::Timing(Timing { samples }) => {
            let (_cluster, app) = start("drill-timing", &server, &[]).await?;
            print(&timing::run(samples, &app).await?)
        }
        Drill::Hold(Hold { to, count, seconds }) => {
            let held = connections::hold(to, count, Duration::from_secs(seconds.into())).await;
            print(&held.line())
        }
    }
}

async fn run_backup(server: PathBuf, backup: Backup) -> Result<(), Fault> {
    let from = Database::create(&backup.from).await?;
    let to = Database::create(&backup.to).await?;
    let plan = Plan {
        server,
        folder: workspace::target().join("drill"),
        method: BackupMethod::best(&from.url()).await?,
        clients: backup.clients.into(),
        messages: backup.messages.into(),
    };
    run(&plan, from, to, &mut stdout()).await
}

async fn run_crash(server: &Path, crash: &Crash) -> Result<(), Fault> {
    let (cluster, mut app) = start("drill-crash", server, &SETTINGS).await?;
    let kills = Kills { server: crash.server_kills, database: crash.database_kills };
    let (outcome, _cluster) = crash::kill(kills, &mut app, Some(cluster)).await?;
    print(&outcome)?;
    outcome.check()
}

async fn run_two_processes(server: &Path, plan: &TwoProcesses) -> Result<(), Fault> {
    let (_cluster, app) = start("drill-two-processes", server, &SETTINGS).await?;
    let launch = Launch::new(server, &app.database.url(), log("drill-other"));
    let mut launch = SETTINGS.iter().fold(launch, |launch, (name, value)| launch.with(name, value));
    app.server.secret().clone_into(&mut launch.secret);
    let other = Server::start(launch).await?;
    let until = Until::Elapsed(Duration::from_secs(plan.seconds.into()));
    let outcome = crash::race(until, &app, &other).await?;
    print(&outcome)?;
    outcome.check()
}

async fn run_locked_row(server: &Path, plan: &LockedRow) -> Result<(), Fault> {
    let (_cluster, app) = start("drill-locked-row", server, &[]).await?;
    let plan = locked_row::Plan {
        conversations: plan.conversations.into(),
        per_second: plan.requests_per_second,
        locked: Duration::from_secs(plan.seconds.into()),
        around: Duration::from_secs(plan.seconds_around.into()),
    };
    let outcome = locked_row::run(&plan, &app).await?;
    print(&outcome)?;
    outcome.check()
}

/// Runs all attacks before it fails.
async fn run_hostile(server: &Path, plan: &Hostile) -> Result<(), Fault> {
    let program = env::current_exe().map_err(Fault::while_doing("find this program"))?;
    let around = Duration::from_secs(plan.seconds_around.into());
    let is_wanted = |attack: &Attack| {
        plan.attacks.is_empty() || plan.attacks.iter().any(|name| name == attack.name())
    };
    let mut outcomes = Vec::new();
    for attack in Attack::ALL.into_iter().filter(is_wanted) {
        let name = format!("drill-hostile-{}", attack.name());
        let (_cluster, app) = start(&name, server, &hostile::SETTINGS).await?;
        let outcome = hostile::measure(attack, &program, around, &app).await?;
        print(&outcome)?;
        outcomes.push(outcome);
    }
    let faults: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| outcome.check().err())
        .map(|fault| fault.chain())
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Fault::new(faults.join("; "))) }
}

/// A cluster whose commits are on disk, and a server on it.
async fn start(
    name: &str,
    server: &Path,
    settings: &[(&str, &str)],
) -> Result<(Cluster, TestApp), Fault> {
    let cluster = database::durable(name)?;
    let database = Database::create(&cluster.url("postgres")).await?;
    let launch = Launch::new(server, &database.url(), log(name));
    let launch = settings.iter().fold(launch, |launch, (name, value)| launch.with(name, value));
    let server = Server::start(launch).await?;
    Ok((cluster, TestApp { server, database }))
}

fn log(name: &str) -> PathBuf {
    workspace::target().join("testkit").join(name).with_extension("log")
}

fn print(outcome: &impl fmt::Display) -> Result<(), Fault> {
    writeln!(stdout(), "{outcome}").map_err(Fault::while_doing("print the figures"))
}

#[expect(clippy::print_stderr, reason = "this is what a command line tool fails with")]
fn fail(fault: &Fault) -> ExitCode {
    eprintln!("\n  NOT AS PROMISED: {}\n", fault.chain());
    ExitCode::FAILURE
}
