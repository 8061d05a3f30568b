//! Benchmarks of a real server on a real PostgreSQL: throughput, latency, reads of a large history,
//! start-up, memory, idle sockets, slow readers and reconnecting clients. Prints Markdown.

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

/// The parameters of the measurements.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A superuser's URL of the cluster.
    pub database_url: String,
    /// The server's program.
    pub server: PathBuf,
    /// The number of messages in the large history.
    pub messages: u32,
    /// The duration of each measurement, after a warm-up of a quarter of it.
    pub duration: Duration,
}

/// A measurement that runs separately.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// Reconnecting clients under load.
    ResumeLoad(resume_load::Plan),
    /// Some clients stop reading.
    SlowReaders {
        /// All clients.
        clients: usize,
        /// The clients that stop reading.
        slow: usize,
    },
    /// Many idle sockets.
    IdleSockets {
        /// The number of sockets.
        count: usize,
    },
    /// An import from a former application of this size.
    MovingIn(Size),
    /// Appointment reports during a database outage.
    Bookings(Bookings),
    /// Notification mails with a failing mail server.
    Mails(mail_drill::Plan),
}

/// Runs one measurement and writes the report to `out`.
///
/// # Errors
/// When the measurement fails, or a result is wrong.
pub async fn run_one(plan: &Plan, subject: &Subject, out: &mut dyn Write) -> Result<(), Fault> {
    let database = Database::create(&plan.database_url).await?;
    write_line(out, &machine::describe(&database).await?)?;
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
    write_line(out, &report)
}

/// Measures throughput, latency, reads, start-up and memory, and writes the report to `out`.
///
/// # Errors
/// When a measurement fails.
pub async fn run(plan: &Plan, out: &mut dyn Write) -> Result<(), Fault> {
    let database = Database::create(&plan.database_url).await?;
    write_line(out, &machine::describe(&database).await?)?;
    write_line(out, &startup::measure(plan, &database).await?)?;

    let server = start(plan, &database).await?;
    let meter = Meter::new(&server, &database).await?;
    write_line(out, &throughput::measure(plan, &server, &meter).await?)?;
    write_line(out, &latency::measure(plan, &server, &meter).await?)?;
    drop(server);

    seed::fill(&database, plan.messages).await?;
    let server = start(plan, &database).await?;
    let meter = Meter::new(&server, &database).await?;
    write_line(out, &reads::measure(plan, &server, &meter).await?)?;
    write_line(out, &format!("Server memory after all this: {} MB.\n", meter.server_rss_mb()?))
}

async fn start(plan: &Plan, database: &Database) -> Result<Server, Fault> {
    Server::start(launch(plan, database)).await
}

fn launch(plan: &Plan, database: &Database) -> Launch {
    let log = workspace::target().join("testkit").join("bench.log");
    // All clients have the same address.
    Launch::new(&plan.server, &database.url(), log)
        .with("REALTIME_SESSIONS_PER_ADDRESS_MAX", "1000000")
}

fn write_line(out: &mut dyn Write, text: &str) -> Result<(), Fault> {
    writeln!(out, "{text}").map_err(Fault::while_doing("write the report"))
}

// Percentiles of durations.

const LONGEST_US: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// A collection of durations in microseconds.
#[derive(Clone, Debug)]
pub struct Percentiles(Histogram<u64>);

impl Percentiles {
    /// An empty collection.
    ///
    /// # Errors
    /// When the histogram cannot be allocated.
    pub fn new() -> Result<Self, Fault> {
        Histogram::new_with_bounds(1, LONGEST_US, DIGITS)
            .map(Self)
            .map_err(Fault::while_doing("make a histogram"))
    }

    /// Adds a duration, capped at one minute.
    pub fn add(&mut self, taken: Duration) {
        let micros = u64::try_from(taken.as_micros()).unwrap_or(LONGEST_US);
        self.0.saturating_record(micros.max(1));
    }

    /// Adds all durations of another collection.
    fn merge(&mut self, other: &Self) -> Result<(), Fault> {
        self.0.add(&other.0).map_err(Fault::while_doing("add histograms"))
    }

    /// The number of durations.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration that this share of all does not exceed.
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
