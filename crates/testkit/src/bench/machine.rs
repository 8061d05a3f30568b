//! A description of the machine and the database.

use std::{fs, thread};

use crate::{Fault, database::Database};

const SETTINGS: [&str; 5] =
    ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers"];

/// The date, the machine and the database settings, as a list.
pub(super) async fn describe(database: &Database) -> Result<String, Fault> {
    let client = database.client().await?;
    let ask = async |sql: String| -> Result<String, Fault> {
        let row = client.query_one(&sql, &[]).await;
        let row = row.map_err(Fault::while_doing(format!("ask: {sql}")))?;
        Ok(row.get(0))
    };
    let mut lines = vec![
        format!("- date: {}", ask("SELECT current_date::text".to_owned()).await?),
        format!("- processor: {}, {} cores", processor(), cores()),
        format!("- memory: {}", memory()),
        format!("- kernel: {}", read("/proc/sys/kernel/osrelease").trim()),
    ];
    for name in SETTINGS {
        let value = ask(format!("SELECT current_setting('{name}')")).await?;
        lines.push(format!("- PostgreSQL `{name}`: {value}"));
    }
    lines.push("- server, PostgreSQL and load generator share the cores".to_owned());
    Ok(lines.join("\n") + "\n")
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
