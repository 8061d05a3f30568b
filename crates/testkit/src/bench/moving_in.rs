//! Import from the former application's database: duration, memory and completeness.

use std::{fs, process::Stdio, time::Duration};

use tokio::{
    process::{Child, Command},
    time::{Instant, timeout},
};

use super::{
    Plan,
    figures::{Figure, Section, float},
};
use crate::{
    Fault,
    database::{self, Database},
    reference::{self, Size},
};

/// The interval for reading the command's memory.
const MEMORY_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Creates a former application's database of this size and imports it twice. Both are in one database,
/// so that they can be compared by SQL.
pub(super) async fn measure(
    plan: &Plan,
    database: &Database,
    size: Size,
) -> Result<Section, Fault> {
    let client = database.client().await?;
    reference::fill(&client, size).await?;
    let first = run(plan, database).await?;
    let digest = database.digest().await?;
    let second = run(plan, database).await?;
    let unchanged = database.digest().await? == digest;
    let differences = reference::differences(&client).await?;
    if !unchanged || !differences.is_empty() {
        return Err(Fault::new(format!(
            "the import failed: unchanged by a second run: {unchanged}; differing: {differences:?}"
        )));
    }
    let a_second = f64::from(size.messages) / first.elapsed.as_secs_f64();
    let peak_kb = first.peak_kb.max(second.peak_kb);
    let load =
        format!("import of {} conversations, {} messages", size.conversations, size.messages);
    let figures = vec![
        Figure::new(format!("{load}: first run"), "messages/s", a_second),
        Figure::new(format!("{load}: second run"), "s", second.elapsed.as_secs_f64()),
        Figure::new(format!("{load}: peak memory"), "kB", float(peak_kb)),
    ];
    let text = format!(
        "### Import: {} conversations, {} messages\n\n\
         | what | figure |\n| --- | ---: |\n\
         | first run | {:.1} s, {a_second:.0} messages a second |\n\
         | peak memory of the command | {peak_kb} kB |\n\
         | second run, which changes nothing | {:.1} s |\n\
         | rows on one side only, compared by SQL | 0 |\n",
        size.conversations,
        size.messages,
        first.elapsed.as_secs_f64(),
        second.elapsed.as_secs_f64(),
    );
    Ok(Section { text, figures })
}

/// The duration and peak memory of a run.
struct RunStats {
    elapsed: Duration,
    peak_kb: u64,
}

async fn run(plan: &Plan, database: &Database) -> Result<RunStats, Fault> {
    let started = Instant::now();
    let mut command = Command::new(&plan.server);
    command
        .args(["import", "--from", &database.url()])
        .env("DATABASE_URL", database.url())
        .env_remove("DATABASE_DIRECT_URL")
        .env("JWT_SECRET", database::id("a-secret-that-is-long-enough"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(Fault::while_doing("start the import"))?;
    let mut peak_kb = 0;
    loop {
        peak_kb = peak_kb.max(peak_of(&child));
        let Ok(ended) = timeout(MEMORY_POLL_INTERVAL, child.wait()).await else { continue };
        let status = ended.map_err(Fault::while_doing("wait for the import"))?;
        if status.success() {
            return Ok(RunStats { elapsed: started.elapsed(), peak_kb });
        }
        return Err(Fault::new(format!("the import ended with {status}")));
    }
}

/// The peak memory of `child` in kilobytes; 0 if the kernel does not report it.
fn peak_of(child: &Child) -> u64 {
    let status = child.id().map(|id| fs::read_to_string(format!("/proc/{id}/status")));
    let status = status.and_then(Result::ok).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    kilobytes.and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or_default()
}
