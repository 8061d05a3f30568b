//! What an earlier run left behind when it was killed.

use std::{fs, path::Path, time::Duration};

use super::{ClusterError, pid_file::PidFile};
use crate::{
    poll,
    process::{self, Signal},
};

const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends the PostgreSQL that still serves `data`, if one does. The caller holds the directory's lock,
/// so nobody is using it.
pub(super) fn clear(data: &Path) -> Result<(), ClusterError> {
    let Some(PidFile { pid, .. }) = PidFile::read(data)? else {
        return Ok(());
    };
    match process::command_line(pid) {
        // Left as it is: PostgreSQL checks what else it says before it starts over it.
        None => Ok(()),
        Some(line) if serves(&line, data) => stop(pid),
        // The number went to another program since, and would keep PostgreSQL from starting.
        Some(_) => fs::remove_file(PidFile::path(data))
            .map_err(ClusterError::while_doing("remove a stale postmaster.pid")),
    }
}

fn serves(command_line: &str, data: &Path) -> bool {
    let program = command_line.split(' ').next().unwrap_or_default();
    program.ends_with("postgres") && data.to_str().is_some_and(|data| command_line.contains(data))
}

fn stop(pid: u32) -> Result<(), ClusterError> {
    for signal in [Signal::Interrupt, Signal::Kill] {
        process::send(signal, pid).map_err(ClusterError::while_doing("stop an old PostgreSQL"))?;
        let gone = poll::until(PATIENCE, PAUSE, || {
            Ok(process::command_line(pid).is_none().then_some(()))
        })?;
        if gone.is_some() {
            return Ok(());
        }
    }
    Err(ClusterError::TooSlow("stop", PATIENCE * 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_postgres_of_this_folder_is_an_orphan() {
        let data = Path::new("/t/dev/data-15");
        assert!(serves("/usr/bin/postgres -D /t/dev/data-15 -p 1", data));
        assert!(!serves("/usr/bin/postgres -D /t/test/data-15 -p 1", data));
        assert!(!serves("tail -f /t/dev/data-15/log", data));
    }
}
