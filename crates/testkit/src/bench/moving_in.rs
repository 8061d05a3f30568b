//! Moving in from the former application's database: how fast, with how much memory, and whether
//! everything arrived.

use std::{fs, process::Stdio, time::Duration};

use tokio::{
    process::{Child, Command},
    time::{Instant, timeout},
};

use super::Plan;
use crate::{
    Fault,
    database::{self, Database},
    reference::{self, Size},
};

/// How often the command's memory is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// Makes a former system of this size, and moves in twice: both are in one database, so that they
/// can be compared.
pub(super) async fn measure(plan: &Plan, database: &Database, size: Size) -> Result<String, Fault> {
    let client = database.client().await?;
    reference::fill(&client, size).await?;
    let first = run(plan, database).await?;
    let kept = database.digest().await?;
    let second = run(plan, database).await?;
    let unchanged = database.digest().await? == kept;
    let differences = reference::differences(&client).await?;
    if !unchanged || !differences.is_empty() {
        return Err(Fault::new(format!(
            "moving in went wrong: unchanged by a second run: {unchanged}; differing: {differences:?}"
        )));
    }
    let a_second = f64::from(size.messages) / first.elapsed.as_secs_f64();
    Ok(format!(
        "### Moving in: {} conversations, {} messages\n\n\
         | what | figure |\n| --- | ---: |\n\
         | first run | {:.1} s, {a_second:.0} messages a second |\n\
         | most memory of the command | {} kB |\n\
         | second run, which changes nothing | {:.1} s |\n\
         | rows that are on one side alone, compared by SQL | 0 |\n",
        size.conversations,
        size.messages,
        first.elapsed.as_secs_f64(),
        first.peak_kb.max(second.peak_kb),
        second.elapsed.as_secs_f64(),
    ))
}

/// What a run took.
struct Taken {
    elapsed: Duration,
    peak_kb: u64,
}

async fn run(plan: &Plan, database: &Database) -> Result<Taken, Fault> {
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
        let Ok(ended) = timeout(LOOK_PERIOD, child.wait()).await else { continue };
        let status = ended.map_err(Fault::while_doing("wait for the import"))?;
        if status.success() {
            return Ok(Taken { elapsed: started.elapsed(), peak_kb });
        }
        return Err(Fault::new(format!("the import ended with {status}")));
    }
}

/// The most memory that `child` ever had, in kilobytes; 0 where the kernel does not say.
fn peak_of(child: &Child) -> u64 {
    let status = child.id().map(|id| fs::read_to_string(format!("/proc/{id}/status")));
    let status = status.and_then(Result::ok).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    kilobytes.and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or_default()
}
