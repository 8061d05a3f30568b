//! CPU and memory use of the server, PostgreSQL and the load generator.

use std::{
    fs, process,
    time::{Duration, Instant},
};

use xtask::process::{children, output_of};

use crate::{Fault, database::Database, server::Server};

/// Reads the CPU time of the three from `/proc`.
#[derive(Debug)]
pub(super) struct Meter {
    server: u32,
    postmaster: u32,
    ticks_per_second: f64,
}

/// The CPU times at one moment, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    at: Instant,
    server: u64,
    postgres: u64,
    load: u64,
}

impl Meter {
    /// A meter for this server, its PostgreSQL, and this process.
    pub(super) async fn new(server: &Server, database: &Database) -> Result<Self, Fault> {
        let client = database.client().await?;
        let backend = client
            .query_one("SELECT pg_backend_pid()", &[])
            .await
            .map_err(Fault::while_doing("find PostgreSQL"))?;
        let backend: i32 = backend.get(0);
        let ticks = output_of("getconf", &["CLK_TCK"]).and_then(|ticks| ticks.parse().ok());
        Ok(Self {
            server: server.pid().ok_or_else(|| Fault::new("the server is gone"))?,
            postmaster: parent(backend)?,
            ticks_per_second: ticks.unwrap_or(100.0),
        })
    }

    /// The CPU times now.
    pub(super) fn read(&self) -> Result<Reading, Fault> {
        let workers: u64 = children(self.postmaster)
            .into_iter()
            // An ended process is counted with its parent.
            .filter_map(|worker| ticks(worker).ok())
            .map(|ticks| ticks.own)
            .sum();
        let postmaster = ticks(self.postmaster)?;
        Ok(Reading {
            at: Instant::now(),
            server: ticks(self.server)?.own,
            postgres: postmaster.own + postmaster.ended_children + workers,
            load: ticks(process::id())?.own,
        })
    }

    /// The CPU use since `before`, as table cells: server, PostgreSQL, load generator; 100 % is one
    /// core.
    pub(super) fn cells_since(&self, before: Reading) -> Result<String, Fault> {
        let now = self.read()?;
        let elapsed = now.at.duration_since(before.at);
        let share = |now, before| self.share(now, before, elapsed);
        Ok(format!(
            "{} | {} | {}",
            share(now.server, before.server),
            share(now.postgres, before.postgres),
            share(now.load, before.load)
        ))
    }

    #[expect(clippy::cast_precision_loss, reason = "ticks of a run of minutes are far below 2^52")]
    fn share(&self, now: u64, before: u64, elapsed: Duration) -> String {
        let seconds = now.saturating_sub(before) as f64 / self.ticks_per_second;
        format!("{:.0} %", 100.0 * seconds / elapsed.as_secs_f64())
    }

    /// The server's resident memory, in megabytes.
    pub(super) fn server_rss_mb(&self) -> Result<u64, Fault> {
        rss_mb(self.server)
    }
}

/// The resident memory of a process, in megabytes.
pub(super) fn rss_mb(pid: u32) -> Result<u64, Fault> {
    Ok(rss_kb(pid)? / 1024)
}

/// The resident memory of a process, in kilobytes.
pub(crate) fn rss_kb(pid: u32) -> Result<u64, Fault> {
    memory_kb(pid, "VmRSS:")
}

/// The peak resident memory of a process, in kilobytes.
pub(crate) fn peak_rss_kb(pid: u32) -> Result<u64, Fault> {
    memory_kb(pid, "VmHWM:")
}

fn memory_kb(pid: u32, line: &str) -> Result<u64, Fault> {
    let status = read(pid, "status")?;
    let line = status.lines().find_map(|read| read.strip_prefix(line));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.ok_or_else(|| Fault::new("the kernel does not report its memory"))
}

struct Ticks {
    own: u64,
    ended_children: u64,
}

fn ticks(pid: u32) -> Result<Ticks, Fault> {
    let stat = read(pid, "stat")?;
    ticks_in(&stat).ok_or_else(|| Fault::new(format!("unreadable CPU times: {stat}")))
}

// `pid (name) state ppid …`: fields 14 to 17 are the ticks in user and kernel mode, of the process and of
// its ended children.
fn ticks_in(stat: &str) -> Option<Ticks> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(Ticks { own: next()? + next()?, ended_children: next()? + next()? })
}

fn parent(pid: i32) -> Result<u32, Fault> {
    let pid = u32::try_from(pid).map_err(Fault::while_doing("read a process id"))?;
    let stat = read(pid, "stat")?;
    let parent =
        stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
    parent.ok_or_else(|| Fault::new("PostgreSQL does not run on this machine"))
}

fn read(pid: u32, file: &str) -> Result<String, Fault> {
    fs::read_to_string(format!("/proc/{pid}/{file}")).map_err(Fault::while_doing("read `/proc`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_behind_the_strangest_name() {
        let stat = "41 (a) b) S 1 41 41 0 -1 4194304 100 0 0 0 7 5 30 10 20 0 1 0";
        let ticks = ticks_in(stat).expect("CPU times");
        assert_eq!((ticks.own, ticks.ended_children), (12, 40));
    }
}
