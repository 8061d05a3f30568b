//! CPU and memory use of the server, PostgreSQL and the load generator.

use std::{
    fs, process,
    time::{Duration, Instant},
};

use xtask::process::{children, output_of};

use super::figures::{Figure, float};
use crate::{Fault, database::Database, server::Server};

/// Reads the CPU time of the three from `/proc`.
#[derive(Debug)]
pub(crate) struct Meter {
    server: u32,
    postmaster: u32,
    ticks_per_second: f64,
}

/// The CPU times at one moment, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    at: Instant,
    server: u64,
    postgres: u64,
    load: u64,
}

impl Meter {
    /// A meter for this server, its PostgreSQL, and this process.
    pub(crate) async fn new(server: &Server, database: &Database) -> Result<Self, Fault> {
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
    pub(crate) fn read(&self) -> Result<Reading, Fault> {
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

    /// The CPU use since `before`.
    pub(crate) fn since(&self, before: Reading) -> Result<Usage, Fault> {
        let now = self.read()?;
        let seconds =
            |now: u64, before: u64| float(now.saturating_sub(before)) / self.ticks_per_second;
        Ok(Usage {
            elapsed: now.at.duration_since(before.at),
            server_s: seconds(now.server, before.server),
            postgres_s: seconds(now.postgres, before.postgres),
            load_s: seconds(now.load, before.load),
        })
    }

    /// The server's resident memory, in megabytes.
    pub(super) fn server_rss_mb(&self) -> Result<u64, Fault> {
        rss_mb(self.server)
    }
}

/// The processor time of a measurement, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// The length of the measurement.
    pub(super) elapsed: Duration,
    /// Of the server's process.
    pub(super) server_s: f64,
    /// Of all of PostgreSQL's processes.
    pub(super) postgres_s: f64,
    /// Of the load generator.
    pub(super) load_s: f64,
}

impl Usage {
    /// Cells of a table: server, PostgreSQL, load generator; 100 % is one core.
    pub(crate) fn cells(&self) -> String {
        let share = |seconds: f64| format!("{:.0} %", 100.0 * seconds / self.elapsed.as_secs_f64());
        format!("{} | {} | {}", share(self.server_s), share(self.postgres_s), share(self.load_s))
    }

    /// The server's share of one of `count` requests, in milliseconds.
    pub(super) fn server_ms_each(&self, count: u64) -> f64 {
        1_000.0 * self.server_s / float(count)
    }

    /// PostgreSQL's share of one of `count` requests, in milliseconds.
    pub(super) fn postgres_ms_each(&self, count: u64) -> f64 {
        1_000.0 * self.postgres_s / float(count)
    }

    /// Both shares of one of `count` requests, with names that start with `load`.
    pub(super) fn figures(&self, load: &str, count: u64, unit: &str) -> [Figure; 2] {
        let figure =
            |of: &str, value| Figure::new(format!("{load}: processor time of {of}"), unit, value);
        [
            figure("the server", self.server_ms_each(count)),
            figure("PostgreSQL", self.postgres_ms_each(count)),
        ]
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
    fn processor_time_is_shown_as_shares_of_a_core_and_as_milliseconds_each() {
        let usage = Usage {
            elapsed: Duration::from_secs(20),
            server_s: 8.0,
            postgres_s: 25.0,
            load_s: 3.4,
        };
        assert_eq!(usage.cells(), "40 % | 125 % | 17 %");
        let each = [usage.server_ms_each(50_000), usage.postgres_ms_each(50_000)];
        assert_eq!(each.map(|ms| format!("{ms:.3}")), ["0.160", "0.500"]);
    }

    #[test]
    fn ticks_are_read_behind_the_strangest_name() {
        let stat = "41 (a) b) S 1 41 41 0 -1 4194304 100 0 0 0 7 5 30 10 20 0 1 0";
        let ticks = ticks_in(stat).expect("CPU times");
        assert_eq!((ticks.own, ticks.ended_children), (12, 40));
    }
}
