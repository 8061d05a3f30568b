//! Measurements of a real server on a real PostgreSQL: sends, delays, reads of a large history, start
//! and memory; what sockets cost, what slow readers cost, and what reconnecting clients see. Prints Markdown.

mod bookings;
mod idle_sockets;
mod latency;
pub mod machine;
mod mails;
mod moving_in;
mod pairs;
mod reads;
mod reconnects;
pub mod seed;
mod slow_readers;
mod startup;
mod throughput;
pub(crate) mod usage;

use std::{io::Write, path::PathBuf, time::Duration};

use hdrhistogram::Histogram;
use usage::Meter;
use xtask::workspace;

use crate::{
    Fault,
    database::Database,
    mail_drill,
    reference::Size,
    resume_load,
    server::{Launch, Server},
};

pub use bookings::Bookings;

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
    ResumeLoad(resume_load::Plan),
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
        Subject::ResumeLoad(load) => {
            let mut server = start(plan, &database).await?;
            reconnects::measure(&mut server, load).await?
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
    say(out, &startup::measure(plan, &database).await?)?;

    let server = start(plan, &database).await?;
    let meter = Meter::new(&server, &database).await?;
    say(out, &throughput::measure(plan, &server, &meter).await?)?;
    say(out, &latency::measure(plan, &server, &meter).await?)?;
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

// How long something took, many times over.

const LONGEST_US: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// A collection of durations, to the microsecond.
#[derive(Clone, Debug)]
pub struct Percentiles(Histogram<u64>);

impl Percentiles {
    /// None yet.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn new() -> Result<Self, Fault> {
        Histogram::new_with_bounds(1, LONGEST_US, DIGITS)
            .map(Self)
            .map_err(Fault::while_doing("make a histogram"))
    }

    /// Adds one. What is longer than a minute counts as a minute.
    pub fn add(&mut self, taken: Duration) {
        let micros = u64::try_from(taken.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(micros.max(1));
    }

    /// Adds all of another collection.
    fn merge(&mut self, other: &Self) -> Result<(), Fault> {
        self.0.add(&other.0).map_err(Fault::while_doing("add histograms"))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration that this share of all is not above.
    fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(share))
    }

    /// Median, 99th percentile and maximum, in milliseconds, as cells of a table.
    pub fn cells(&self) -> String {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| millis(self.quantile(share)));
        format!("{p50} | {p99} | {max}")
    }
}

/// A duration in milliseconds.
fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_cells_say_the_same() {
        let mut percentiles = Percentiles::new().expect("a histogram");
        for ms in 1..=100 {
            percentiles.add(Duration::from_millis(ms));
        }
        assert_eq!(percentiles.count(), 100);
        assert_eq!(percentiles.cells(), "50.0 ms | 99.0 ms | 100.0 ms");
    }
}
