//! A description of the machine and the database.

use std::{fs, thread};

use tokio_postgres::Client;
use xtask::process::output_of;

use crate::{Fault, database::Database};

/// File descriptors a process has open besides its sockets.
const OTHER_DESCRIPTORS: usize = 200;

const SETTINGS: [&str; 5] =
    ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers"];

/// The time now, in UTC, to the second.
pub(super) async fn now(database: &Database) -> Result<String, Fault> {
    let sql = r#"SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"#;
    ask(&database.client().await?, sql).await
}

/// The machine and the settings of the database, one a line.
pub(super) async fn describe(database: &Database) -> Result<Vec<String>, Fault> {
    let client = database.client().await?;
    let mut lines = vec![
        format!("processor: {}, {} cores", processor(), cores()),
        format!("memory: {}", memory()),
        format!("kernel: {}", read("/proc/sys/kernel/osrelease").trim()),
    ];
    for name in SETTINGS {
        let value = ask(&client, &format!("SELECT current_setting('{name}')")).await?;
        lines.push(format!("PostgreSQL `{name}`: {value}"));
    }
    lines.push("server, PostgreSQL and load generator share the cores".to_owned());
    Ok(lines)
}

async fn ask(client: &Client, sql: &str) -> Result<String, Fault> {
    let row = client.query_one(sql, &[]).await;
    Ok(row.map_err(Fault::while_doing(format!("ask: {sql}")))?.get(0))
}

/// The limit of file descriptors, checked to be sufficient for this many sockets in one process.
pub(super) fn descriptors(sockets: usize) -> Result<String, Fault> {
    let limit = output_of("sh", &["-c", "ulimit -n"]).unwrap_or_default();
    let enough = limit.parse().map_or(true, |limit: usize| limit >= sockets + OTHER_DESCRIPTORS);
    if enough {
        return Ok(limit);
    }
    Err(Fault::new(format!(
        "{sockets} sockets need more descriptors than {limit}: `ulimit -n` first"
    )))
}

fn cores() -> usize {
    thread::available_parallelism().map_or(0, Into::into)
}

fn processor() -> String {
    field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned())
}

fn memory() -> String {
    let total = field(&read("/proc/meminfo"), "MemTotal");
    total.unwrap_or_else(|| "unknown".to_owned())
}

/// The first `name: value` in a file of `/proc`.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let (_, value) = line.split_once(':')?;
    Some(value.trim().to_owned())
}

// Empty if there is no such file.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name() {
        let text = "MemTotal:  24 kB\nMemFree: 2 kB\n";
        assert_eq!(field(text, "MemFree"), Some("2 kB".to_owned()));
        assert_eq!(field(text, "Swap"), None);
    }
}
