//! Ends a process when its parent has ended, however that happened.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// Watches over a process group on behalf of this process. If this one dies, even by `kill -9`, the group
/// is sent `SIGINT`. Dropping the guard leaves the group running.
///
/// A shell reads from a pipe whose other end only this process has; the system closes it when this process ends.
#[derive(Debug)]
pub struct ChildGuard(Child);

impl ChildGuard {
    /// Ties the group that `leader` leads to the life of this process.
    ///
    /// # Errors
    /// When the system's shell could not be started.
    pub fn watch(leader: u32) -> io::Result<Self> {
        Command::new("sh")
            .args(["-c", "read -r _; kill -s INT -- \"-$1\"", "sh"])
            .arg(leader.to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of a Ctrl-C meant for us.
            .process_group(0)
            .spawn()
            .map(Self)
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // Killed before the pipe closes, so that it signals nobody. Both can fail only when it is gone already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").process_group(0).spawn().expect("sleep exists")
    }

    #[test]
    fn a_closed_pipe_ends_the_process() {
        let mut sleeper = sleeper();
        let mut guard = ChildGuard::watch(sleeper.id()).expect("a shell");
        drop(guard.0.stdin.take());
        assert!(!sleeper.wait().expect("a child").success());
    }

    #[test]
    fn a_dropped_guard_signals_nobody() {
        let mut sleeper = sleeper();
        drop(ChildGuard::watch(sleeper.id()).expect("a shell"));
        assert!(sleeper.try_wait().expect("a child").is_none());
        sleeper.kill().expect("still there");
        sleeper.wait().expect("a child");
    }
}
