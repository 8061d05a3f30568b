use std::{path::Path, process::Command};

use xtask::postgres::DumpPrograms;

use crate::Fault;

/// Saves the database with this URL in a file.
pub(super) async fn dump(programs: &DumpPrograms, url: &str, file: &Path) -> Result<(), Fault> {
    let mut call = programs.dump();
    call.args(["--format=custom", "--no-owner", "--schema=messaging", "--dbname", url, "--file"]);
    call.arg(file);
    output("pg_dump", call).await.map(drop)
}

/// What the database with this URL says as SQL.
pub(super) async fn text(programs: &DumpPrograms, url: &str) -> Result<Vec<u8>, Fault> {
    let mut call = programs.dump();
    call.args(["--format=plain", "--dbname", url]);
    output("pg_dump", call).await
}

/// Fills the empty database with this URL from a file, wholly or not at all.
pub(super) async fn restore(programs: &DumpPrograms, url: &str, file: &Path) -> Result<(), Fault> {
    let mut call = programs.restore();
    call.args(["--no-owner", "--single-transaction", "--exit-on-error", "--dbname", url]).arg(file);
    output("pg_restore", call).await.map(drop)
}

async fn output(name: &str, call: Command) -> Result<Vec<u8>, Fault> {
    let output = tokio::process::Command::from(call).output().await;
    let output = output.map_err(Fault::while_doing(format!("start {name}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Fault::new(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr))))
}
