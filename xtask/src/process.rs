//! Signals to processes and questions about them, through the system's own commands: `unsafe` is denied here.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C. PostgreSQL takes it as "drop the sessions and stop".
    Interrupt,
    /// Asks to end.
    Terminate,
    /// Ends at once.
    Kill,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
            Self::Kill => "KILL",
        }
    }
}

/// Sends `signal` to the process `pid`. `false` when there is none, or it is not ours to signal.
///
/// # Errors
/// When the system's shell could not be started.
pub fn send(signal: Signal, pid: u32) -> io::Result<bool> {
    kill(signal.name(), &pid.to_string())
}

/// Sends `signal` to every process of the group that `leader` leads. `false` when there is none.
///
/// # Errors
/// When the system's shell could not be started.
pub fn send_to_group(signal: Signal, leader: u32) -> io::Result<bool> {
    kill(signal.name(), &format!("-{leader}"))
}

// The shell's own `kill`: small images have no such program, but all have a shell.
fn kill(signal: &str, target: &str) -> io::Result<bool> {
    let status = Command::new("sh")
        .args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", signal, target])
        .stderr(Stdio::null())
        .status()?;
    Ok(status.success())
}

/// How the process `pid` was called, its arguments separated by spaces. `None` when there is no such process.
pub fn command_line(pid: u32) -> Option<String> {
    let line = if Path::new("/proc/self").exists() {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?.replace('\0', " ")
    } else {
        output_of("ps", &["-o", "command=", "-p", &pid.to_string()])?
    };
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// The processes whose parent is `pid`. Empty when the system will not tell.
pub fn children(pid: u32) -> Vec<u32> {
    let families = if Path::new("/proc/self").exists() {
        families_in_proc()
    } else {
        output_of("ps", &["-A", "-o", "pid=,ppid="])
            .unwrap_or_default()
            .lines()
            .filter_map(|line| family(&mut line.split_whitespace()))
            .collect()
    };
    let ours = families.into_iter().filter(|(_, parent)| *parent == pid);
    ours.map(|(child, _)| child).collect()
}

fn families_in_proc() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    // A process may end between being listed and being read; then it is nobody's child.
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter_map(|stat| family_in_stat(&stat)).collect()
}

// `pid (name) state parent …`, where the name may hold spaces and parentheses.
fn family_in_stat(stat: &str) -> Option<(u32, u32)> {
    let (child, _) = stat.split_once(' ')?;
    let (_, after_name) = stat.rsplit_once(')')?;
    family(&mut [child].into_iter().chain(after_name.split_whitespace().nth(1)))
}

fn family<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<(u32, u32)> {
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Whether we are the system's administrator.
pub fn is_root() -> bool {
    output_of("id", &["-u"]).as_deref() == Some("0")
}

/// The program called `name`, where `PATH` says it is.
pub fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// What `program` prints, trimmed. `None` when it cannot run or fails.
pub fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::poll;

    #[test]
    fn the_parent_is_read_behind_the_strangest_name() {
        assert_eq!(family_in_stat("41 (a) b (c) S 7 41 41 0"), Some((41, 7)));
    }

    #[test]
    fn a_signalled_process_ends() {
        let mut child = Command::new("sh")
            .args(["-c", "read -r _"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        // A process has no arguments for a moment after it began.
        let line = poll::until(Duration::from_secs(5), Duration::from_millis(1), || {
            Ok::<_, ()>(command_line(child.id()))
        });
        assert_eq!(line, Ok(Some("sh -c read -r _".to_owned())));
        assert!(send(Signal::Kill, child.id()).expect("a shell"));
        assert!(!child.wait().expect("a child").success());
        assert_eq!(command_line(child.id()), None);
    }

    #[test]
    fn a_signal_to_no_process_is_reported() {
        let mut child = Command::new("true").spawn().expect("a program");
        child.wait().expect("a child");
        assert!(!send(Signal::Terminate, child.id()).expect("a shell"));
    }
}
