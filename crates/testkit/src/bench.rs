//! Benchmarks of a real server on a real PostgreSQL: throughput, latency, reads of a large history,
//! start-up, memory, idle sockets, slow readers and reconnecting clients. Prints Markdown, and saves the
//! figures.

mod bookings;
mod comparison;
mod figures;
mod idle_sockets;
mod latency;
pub mod machine;
mod mails;
mod moving_in;
mod pairs;
mod reads;
mod reconnects;
mod report;
mod saved_run;
pub mod seed;
mod sends;
mod slow_readers;
mod startup;
mod statistics;
pub(crate) mod usage;

use std::{io::Write, path::PathBuf, time::Duration};

use clap::ValueEnum;
use figures::{Figure, Section, float};
use hdrhistogram::Histogram;
use report::Report;
use sends::Sides;
use statistics::Statistics;
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
pub use saved_run::{SavedRun, SavedRunError, new_file};

/// Maximum pairs of a measurement. Each takes two descriptors in the server and two in this process.
pub const PAIRS_MAX: u16 = 2_000;
/// Pairs of the measurements of sends, unless others are asked for.
pub const PAIRS_DEFAULT: [u16; 2] = [32, 256];

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
    /// The new file for the figures; without one, a file in `target/bench`.
    pub save: Option<PathBuf>,
    /// The earlier run to compare with.
    pub against: Option<SavedRun>,
    /// What is measured.
    pub work: Work,
}

/// What a run measures.
#[derive(Clone, Debug)]
pub enum Work {
    /// Several profiles, one after another.
    Profiles {
        /// Which of them.
        profiles: Vec<Profile>,
        /// Pairs of the measurements of sends.
        pairs: Vec<u16>,
    },
    /// One measurement that runs separately.
    Separate(Subject),
}

/// A measurement of the main run.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Profile {
    /// Start-up time and memory at rest.
    Startup,
    /// Sends; the reader has the conversation open, and so reads each message as it arrives.
    ReaderWatching,
    /// Sends; the reader is not connected: each message stays unread and adds to a pending mail.
    ReaderAway,
    /// Fifty senders that each wait for an acknowledgement before the next send.
    ClosedLoop,
    /// Delays at a hundred sends a second.
    Delays,
    /// Reads of a large history.
    Reads,
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

/// A running server, and what measures the cost of its work.
#[derive(Debug)]
struct Target {
    server: Server,
    meter: Meter,
    statistics: Statistics,
}

impl Target {
    async fn start(plan: &Plan, database: &Database) -> Result<Self, Fault> {
        let server = start(plan, database).await?;
        let meter = Meter::new(&server, database).await?;
        Ok(Self { server, meter, statistics: Statistics::new(database).await? })
    }
}

/// Measures, writes the report to `out`, and saves the figures.
///
/// # Errors
/// When a measurement fails, or a result is wrong.
pub async fn run(plan: &Plan, out: &mut dyn Write) -> Result<(), Fault> {
    let database = Database::create(&plan.database_url).await?;
    let mut report = Report::begin(plan.duration, &database, out).await?;
    match &plan.work {
        Work::Profiles { profiles, pairs } => {
            measure_profiles(plan, profiles, pairs, &database, &mut report).await?;
        }
        Work::Separate(subject) => report.add(measure_one(plan, subject, &database).await?)?,
    }
    report.finish(plan.save.as_deref(), plan.against.as_ref())
}

async fn measure_one(
    plan: &Plan,
    subject: &Subject,
    database: &Database,
) -> Result<Section, Fault> {
    match subject {
        Subject::ResumeLoad(load) => {
            let mut server = start(plan, database).await?;
            reconnects::measure(&mut server, load).await
        }
        Subject::SlowReaders { clients, slow } => {
            let server = start(plan, database).await?;
            slow_readers::measure(plan, &server, *clients, *slow).await
        }
        Subject::IdleSockets { count } => idle_sockets::measure(plan, database, *count).await,
        Subject::Bookings(bookings) => bookings::measure(plan, *bookings).await,
        Subject::Mails(drill) => mails::measure(plan, database, *drill).await,
        Subject::MovingIn(size) => moving_in::measure(plan, database, *size).await,
    }
}

async fn measure_profiles(
    plan: &Plan,
    profiles: &[Profile],
    pairs: &[u16],
    database: &Database,
    report: &mut Report<'_>,
) -> Result<(), Fault> {
    let wanted = |profile| profiles.contains(&profile);
    if wanted(Profile::ReaderWatching) || wanted(Profile::ReaderAway) {
        let most = pairs.iter().copied().max().unwrap_or_default();
        machine::descriptors(2 * usize::from(most))?;
    }
    if wanted(Profile::Startup) {
        report.add(startup::measure(plan, database).await?)?;
    }

    let target = Target::start(plan, database).await?;
    let sends =
        [(Profile::ReaderWatching, Sides::BothSend), (Profile::ReaderAway, Sides::ClientAlone)];
    for (_, sides) in sends.into_iter().filter(|(profile, _)| wanted(*profile)) {
        for &pairs in pairs {
            report.add(sends::measure(plan, &target, sides, pairs.into()).await?)?;
        }
    }
    if wanted(Profile::ClosedLoop) {
        report.add(sends::measure_closed_loop(plan, &target).await?)?;
    }
    if wanted(Profile::Delays) {
        report.add(latency::measure(plan, &target).await?)?;
    }
    drop(target);

    if wanted(Profile::Reads) {
        seed::fill(database, plan.messages).await?;
        let target = Target::start(plan, database).await?;
        report.add(reads::measure(plan, &target).await?)?;
        report.add(memory(&target.meter)?)?;
    }
    Ok(())
}

fn memory(meter: &Meter) -> Result<Section, Fault> {
    let mb = meter.server_rss_mb()?;
    let figure = Figure::new("server's memory after the reads", "MB", float(mb));
    Ok(Section {
        text: format!("Server memory after the reads: {mb} MB.\n"),
        figures: vec![figure],
    })
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
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(share))
    }

    /// Median, 99th percentile and maximum, in milliseconds, as cells of a table.
    pub fn cells(&self) -> String {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| millis(self.quantile(share)));
        format!("{p50} | {p99} | {max}")
    }

    /// Median and 99th percentile, with names that start with `load`. The maximum is one event, and says
    /// nothing in a comparison.
    fn figures(&self, load: &str) -> Vec<Figure> {
        let figure = |name: &str, share| {
            let ms = 1_000.0 * self.quantile(share).as_secs_f64();
            Figure::new(format!("{load}: {name}"), "ms", ms)
        };
        vec![figure("p50", 0.5), figure("p99", 0.99)]
    }
}

/// A rate: how many a second.
fn per_second(count: u64, elapsed: Duration) -> f64 {
    float(count) / elapsed.as_secs_f64()
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
        let cells: Vec<String> = percentiles.figures("load").iter().map(Figure::cell).collect();
        assert_eq!(cells, ["50.0 ms", "99.0 ms"]);
    }
}
