//! Measurements of a real server on a real PostgreSQL: sends, delays, reads of a large history, start
//! and memory; what sockets cost, what slow readers cost, and what a storm leaves. Prints Markdown.

mod bookings;
mod crowd;
mod idle_sockets;
mod machine;
mod mails;
mod moving_in;
mod pace;
mod reads;
mod rest_position;
mod resume_storm;
pub mod seed;
mod slow_readers;
pub mod spread;
mod throughput;
pub(crate) mod usage;

use std::{io::Write, path::PathBuf, time::Duration};

use xtask::workspace;

use crate::{
    Fault,
    database::Database,
    mail_drill,
    reference::Size,
    server::{Launch, Server},
    storm,
};
pub use bookings::Bookings;
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

/// One thing to measure by itself.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// Everybody is cut off again and again, and comes back.
    Storm(storm::Plan),
    /// Some stop reading.
    SlowReaders {
        /// All clients.
        clients: usize,
        /// Those who stop.
        slow: usize,
    },
    /// Many sockets that do nothing.
    IdleSockets {
        /// How many.
        count: usize,
    },
    /// Moving in from a former system of this size.
    MovingIn(Size),
    /// Reports about bookings, and an outage.
    Bookings(Bookings),
    /// Notices by mail, on a bad day.
    Mails(mail_drill::Plan),
}

/// Measures one thing and writes the report to `out`.
///
/// # Errors
/// When it could not be measured, or is not as it must be.
pub async fn run_one(plan: &Plan, subject: &Subject, out: &mut dyn Write) -> Result<(), Fault> {
    let database = Database::create(&plan.database_url).await?;
    say(out, &machine::describe(&database).await?)?;
    let report = match subject {
        Subject::Storm(storm) => {
            let mut server = start(plan, &database).await?;
            resume_storm::measure(&mut server, storm).await?
        }
        Subject::SlowReaders { clients, slow } => {
            let server = start(plan, &database).await?;
            slow_readers::measure(plan, &server, *clients, *slow).await?
        }
        Subject::IdleSockets { count } => idle_sockets::measure(plan, &database, *count).await?,
        Subject::Bookings(bookings) => bookings::measure(plan, *bookings).await?,
        Subject::Mails(drill) => mails::measure(plan, &database, *drill).await?,
        Subject::MovingIn(size) => moving_in::measure(plan, &database, *size).await?,
    };
    say(out, &report)
}

/// Measures sends, delays, reads, start and memory, and writes the report to `out`.
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
    Server::start(launch(plan, database)).await
}

fn launch(plan: &Plan, database: &Database) -> Launch {
    let log = workspace::target().join("testkit").join("bench.log");
    // Every client here has the same address.
    Launch::new(&plan.server, &database.url(), log)
        .with("REALTIME_SESSIONS_PER_ADDRESS_MAX", "1000000")
}

fn say(out: &mut dyn Write, text: &str) -> Result<(), Fault> {
    writeln!(out, "{text}").map_err(Fault::while_doing("write the report"))
}
