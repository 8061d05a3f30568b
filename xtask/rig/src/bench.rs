//! Measurements of a real server on a real PostgreSQL: sends, delays, reads of a large history, start
//! and memory. Prints Markdown.

mod crowd;
mod machine;
mod pace;
mod reads;
mod rest_position;
pub mod seed;
mod spread;
mod throughput;
mod usage;

use std::{io::Write, path::PathBuf, time::Duration};

use xtask::workspace;

use crate::{
    Fault,
    database::Database,
    server::{Launch, Server},
};
use usage::Meter;

/// What to measure, and with what.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A superuser's URL of the cluster.
    pub database_url: String,
    /// The server's program.
    pub server: PathBuf,
    /// How many messages the large history has.
    pub messages: u32,
    /// How long each measurement takes, after a warm-up of a quarter of it.
    pub duration: Duration,
}

/// Measures everything and writes the report to `out`.
///
/// # Errors
/// When something could not be measured.
pub async fn run(plan: &Plan, out: &mut dyn Write) -> Result<(), Fault> {
    let database = Database::create(&plan.database_url).await?;
    say(out, &machine::describe(&database).await?)?;
    say(out, &rest_position::measure(plan, &database).await?)?;

    let server = start(plan, &database).await?;
    let meter = Meter::new(&server, &database).await?;
    say(out, &throughput::measure(plan, &server, &meter).await?)?;
    say(out, &pace::measure(plan, &server, &meter).await?)?;
    drop(server);

    seed::fill(&database, plan.messages).await?;
    let server = start(plan, &database).await?;
    let meter = Meter::new(&server, &database).await?;
    say(out, &reads::measure(plan, &server, &meter).await?)?;
    say(out, &format!("Server memory after all this: {} MB.\n", meter.server_rss_mb()?))
}

async fn start(plan: &Plan, database: &Database) -> Result<Server, Fault> {
    let log = workspace::target().join("rig").join("bench.log");
    Server::start(Launch::new(&plan.server, &database.url(), log)).await
}

fn say(out: &mut dyn Write, text: &str) -> Result<(), Fault> {
    writeln!(out, "{text}").map_err(Fault::while_doing("write the report"))
}
