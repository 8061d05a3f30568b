//! Runs other programs, which end when a stop is requested.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use xtask::{
    child_guard::ChildGuard,
    poll,
    process::{self, Signal},
};

use crate::{failure::Failure, interrupt::Interrupt};

const PAUSE: Duration = Duration::from_millis(20);
/// How long a program may take to end after it was asked to.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A running program, which ends with us. It has a process group of its own, so that a Ctrl-C reaches
/// it only through us, in the right order.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    child: Child,
    _guard: ChildGuard,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        let name = name(command);
        let failed = || Failure::while_doing(format!("start {name}"));
        let child = command.stdin(Stdio::null()).process_group(0).spawn().map_err(failed())?;
        let guard = ChildGuard::watch(child.id()).map_err(failed())?;
        Ok(Self { name, child, _guard: guard })
    }

    /// Its exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        let doing = format!("wait for {}", self.name);
        self.child.try_wait().map_err(Failure::while_doing(doing))
    }

    /// Terminates it, then kills it.
    pub(crate) fn stop(&mut self) -> Result<(), Failure> {
        for signal in [Signal::Terminate, Signal::Kill] {
            if self.ended()?.is_some() {
                return Ok(());
            }
            process::send_to_group(signal, self.child.id())
                .map_err(Failure::while_doing(format!("stop {}", self.name)))?;
            poll::until(TIMEOUT, PAUSE, || self.ended())?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Reached with something still running only on the way out of a failure, which is what gets told.
        self.stop().ok();
    }
}

/// Runs `command` to its end, on this terminal.
pub(crate) fn to_end(command: &mut Command, stop: &Interrupt) -> Result<(), Failure> {
    let mut running = Running::start(command)?;
    let status = stop.until(|| running.ended());
    running.stop()?;
    success(&running.name, status?)
}

/// Runs `command` to its end, giving `each` line it prints as it comes.
pub(crate) fn by_line(
    command: &mut Command,
    stop: &Interrupt,
    each: impl FnMut(&str) + Send,
) -> Result<(), Failure> {
    let mut running = Running::start(command.stdout(Stdio::piped()))?;
    let output = running.child.stdout.take();
    let status = thread::scope(|scope| {
        scope.spawn(|| read_lines(output, each));
        let status = stop.until(|| running.ended());
        // Closes the pipe, and so ends the thread.
        running.stop().and(status)
    })?;
    success(&running.name, status)
}

fn read_lines(output: Option<ChildStdout>, mut each: impl FnMut(&str)) {
    let mut lines = output.map(BufReader::new);
    let mut bytes = Vec::new();
    while let Some(reader) = &mut lines {
        bytes.clear();
        match reader.read_until(b'\n', &mut bytes) {
            Ok(1..) => each(String::from_utf8_lossy(&bytes).trim_end_matches('\n')),
            // The end, or a pipe that broke with its program, whose status tells.
            Ok(0) | Err(_) => return,
        }
    }
}

/// What `command` prints. Its errors go to this terminal.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let name = name(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::while_doing(format!("start {name}")))?;
    success(&name, output.status)?;
    String::from_utf8(output.stdout)
        .map_err(|_| Failure::Other(format!("{name} printed something that is not text")))
}

fn success(name: &str, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Err(Failure::Program(name.to_owned(), code.unwrap_or(1)))
}

// The program and what it was asked say enough: `cargo clippy`, `messaging-server demo`.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let verb = command.get_args().next().map(OsStr::to_string_lossy);
    match verb.filter(|verb| !verb.starts_with('-')) {
        Some(verb) => format!("{} {verb}", program.display()),
        None => program.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_arrive_one_by_one_and_the_last_needs_no_end() {
        let mut lines = Vec::new();
        let mut command = shell("printf 'one\\n\\ntwo'");
        by_line(&mut command, &Interrupt::never(), |line| {
            lines.push(line.to_owned());
        })
        .expect("success");
        assert_eq!(lines, ["one", "", "two"]);
    }

    #[test]
    fn the_status_of_a_failed_program_is_kept() {
        let failed = to_end(&mut shell("exit 3"), &Interrupt::never());
        assert!(matches!(failed, Err(Failure::Program(_, 3))));
    }

    #[test]
    fn an_interrupt_ends_the_program_and_its_children() {
        let mut command = shell("sleep 60 & sleep 60; wait");
        let stopped = by_line(&mut command, &Interrupt::already(), |_| {});
        assert!(matches!(stopped, Err(Failure::Interrupted)));
    }

    #[test]
    fn a_program_is_named_by_what_it_is_asked() {
        let mut command = Command::new("/usr/bin/cargo");
        assert_eq!(name(command.args(["clippy", "--workspace"])), "cargo clippy");
        assert_eq!(name(&shell("true")), "sh");
    }
}
