//! Attacks on a running server, with the limits that it has by default: what they cost it, and what
//! everybody else waits meanwhile. `cargo xtask drill hostile` runs them in full and measures; the tests run
//! short forms, which count and never measure.

mod bystanders;
mod commands;
pub mod connections;
mod findings;
mod malformed;
mod memory;
mod origins;
mod pictures;
mod uploads;

use std::{fmt, path::Path, time::Duration};

use bystanders::{Bystanders, Waits};
use tokio::time::{Instant, sleep};

pub use findings::{Findings, Size};
pub(crate) use uploads::ordinary_picture;

use crate::{
    Fault,
    bench::usage::{Meter, Usage},
    test_app::TestApp,
};

/// The settings of a server that is attacked: its limits are those of production.
pub const SETTINGS: [(&str, &str); 1] = [("RATE_LIMITS", "on")];

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Large events by three people on many sockets.
    Memory,
    /// Unknown, malformed and refused commands, and CONNECTs without end.
    Commands,
    /// Connections that send half a request.
    Connections,
    /// Uploads that stop, and small pictures that are large when they are decoded.
    Uploads,
    /// Requests of a polling session from another origin.
    Origins,
    /// Bytes that are no HTTP request.
    Malformed,
}

impl Attack {
    /// Every one of them.
    pub const ALL: [Self; 6] = [
        Self::Memory,
        Self::Commands,
        Self::Connections,
        Self::Uploads,
        Self::Origins,
        Self::Malformed,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Commands => "commands",
            Self::Connections => "connections",
            Self::Uploads => "uploads",
            Self::Origins => "origins",
            Self::Malformed => "malformed",
        }
    }
}

/// Attacks `app`, which must run with [`SETTINGS`].
///
/// # Errors
/// When the attack cannot be made. What it did to the server is in the findings.
pub async fn run(attack: Attack, size: Size<'_>, app: &TestApp) -> Result<Findings, Fault> {
    match attack {
        Attack::Memory => memory::run(size, app).await,
        Attack::Commands => commands::run(size, app).await,
        Attack::Connections => connections::run(size, app).await,
        Attack::Uploads => uploads::run(size, app).await,
        Attack::Origins => origins::run(size, app).await,
        Attack::Malformed => malformed::run(size, app).await,
    }
}

// An attack that is measured.

/// Others who use the service meanwhile.
const BYSTANDERS: usize = 16;
/// How much the server's memory may grow at its peak.
const GROWTH_MAX_MB: u64 = 100;
/// The same while pictures are decoded: two at once of 25 million pixels, of 10 bytes each.
const DECODING_GROWTH_MAX_MB: u64 = 500;
/// How much of that may be left [`GIVEN_BACK_WITHIN`] after the end.
const LEFT_MAX_MB: u64 = 20;
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(10);
/// The longest that 99 % of what others ask for may take meanwhile. The attackers share the processors with the
/// server here, so this bounds what others wait for queues, not for processors.
const OTHERS_P99_MAX: Duration = Duration::from_secs(2);

/// The figures of an attack.
#[derive(Debug)]
pub struct Outcome {
    attack: Attack,
    taken: Duration,
    usage: Usage,
    /// Resident memory of the server in megabytes: before, at its peak, and after the end.
    memory_mb: [u64; 3],
    /// What others waited before, during and after.
    others: [Waits; 3],
    findings: Findings,
}

/// Attacks `app`, which must be new and run with [`SETTINGS`], in full; measures the server, and for `around`
/// before and after what others wait.
///
/// # Errors
/// When the attack cannot be made.
pub async fn measure(
    attack: Attack,
    program: &Path,
    around: Duration,
    app: &TestApp,
) -> Result<Outcome, Fault> {
    let bystanders = Bystanders::arrive(app, BYSTANDERS).await?;
    // A first round opens connections and prepares statements.
    bystanders.meanwhile(sleep(around / 4)).await?;
    let ((), before) = bystanders.meanwhile(sleep(around)).await?;
    let memory_before = app.server.memory_kb()? / 1024;
    let meter = Meter::new(&app.server, &app.database).await?;
    let (reading, started) = (meter.read()?, Instant::now());
    let attacked = Box::pin(run(attack, Size::Full { program }, app));
    let (findings, during) = bystanders.meanwhile(attacked).await?;
    let (usage, taken) = (meter.since(reading)?, started.elapsed());
    sleep(GIVEN_BACK_WITHIN).await;
    let memory_mb =
        [memory_before, app.server.peak_memory_kb()? / 1024, app.server.memory_kb()? / 1024];
    let ((), after) = bystanders.meanwhile(sleep(around)).await?;
    let mut findings = findings?;
    let [at_first, peak, left] = memory_mb;
    let growth_max = if attack == Attack::Uploads { DECODING_GROWTH_MAX_MB } else { GROWTH_MAX_MB };
    findings.at_most("growth of memory, MB", peak.saturating_sub(at_first), growth_max);
    let what = format!("of it left after {} s, MB", GIVEN_BACK_WITHIN.as_secs());
    findings.at_most(what, left.saturating_sub(at_first), LEFT_MAX_MB);
    let others = [before, during, after];
    let refused: u64 = others.iter().map(|waits| waits.refused).sum();
    findings.exactly("requests of others that failed", refused, 0);
    let p99_max = u64::try_from(OTHERS_P99_MAX.as_millis()).unwrap_or(u64::MAX);
    findings.at_most("p99 of others meanwhile, ms", others[1].p99().as_millis(), p99_max);
    Ok(Outcome { attack, taken, usage, memory_mb, others, findings })
}

impl Outcome {
    /// Checks every bound.
    ///
    /// # Errors
    /// Names all that were exceeded.
    pub fn check(&self) -> Result<(), Fault> {
        self.findings.check().map_err(Fault::while_doing(format!("bear `{}`", self.attack.name())))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attack, taken, usage, memory_mb: [before, peak, after], others, findings } =
            self;
        writeln!(f, "### {}: {:.1} s\n\n{findings}", attack.name(), taken.as_secs_f64())?;
        writeln!(f, "| server's memory before | peak | after |\n| ---: | ---: | ---: |")?;
        writeln!(f, "| {before} MB | {peak} MB | {after} MB |\n")?;
        writeln!(f, "| processors: server | PostgreSQL | attackers and others |")?;
        writeln!(f, "| ---: | ---: | ---: |\n| {} |\n", usage.cells())?;
        writeln!(f, "| others | requests | failed | p50 | p99 | max |")?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
        for (when, waits) in ["before", "during", "after"].iter().zip(others) {
            writeln!(f, "| {when} | {waits} |")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_beyond_its_bound_is_named() {
        let mut findings = Findings::default();
        findings.note("sent", 7);
        findings.exactly("lost", 0, 0);
        findings.at_least("refused", 3, 1);
        assert!(findings.check().is_ok());
        findings.at_most("held", 9, 8);
        findings.exactly("failed", 1, 0);
        let fault = findings.check().expect_err("two are beyond");
        assert_eq!(fault.to_string(), "held: 9 (at most 8); failed: 1 (exactly 0)");
    }

    #[test]
    fn every_attack_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Attack::ALL.map(Attack::name).into();
        assert_eq!(names.len(), Attack::ALL.len());
    }
}
