//! What PostgreSQL says while it starts.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Stdio,
};

/// How many of the last lines are worth showing.
const LAST_LINES: usize = 15;

/// The log file, and where in it the present start begins.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    start: u64,
}

/// Why PostgreSQL ended instead of starting.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Somebody else has the port.
    PortTaken,
    /// Processes of a killed predecessor are still going away.
    PredecessorLeaving,
    /// Anything else, in its own words.
    Other(String),
}

impl Log {
    /// Opens the log at `path` for one more start, and somewhere to write to.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Stdio)> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let start = file.metadata()?.len();
        let path = path.to_owned();
        Ok((Self { path, start }, file.into()))
    }

    /// Why this start failed.
    pub(super) fn refusal(&self) -> io::Result<Refusal> {
        Ok(Refusal::read(&self.text()?))
    }

    fn text(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Refusal {
    // The texts are PostgreSQL's own; it runs in English here.
    fn read(text: &str) -> Self {
        if text.contains("could not bind IPv4 address") {
            Self::PortTaken
        } else if text.contains("pre-existing shared memory block") {
            Self::PredecessorLeaving
        } else {
            let lines: Vec<_> = text.lines().collect();
            let last = lines.len().saturating_sub(LAST_LINES);
            Self::Other(lines[last..].join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_recognised() {
        let text = "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\n";
        assert_eq!(Refusal::read(text), Refusal::PortTaken);
    }

    #[test]
    fn a_leaving_predecessor_is_recognised() {
        let text = "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use\n";
        assert_eq!(Refusal::read(text), Refusal::PredecessorLeaving);
    }

    #[test]
    fn of_anything_else_the_last_lines_are_kept() {
        let lines: Vec<_> = (1..=20).map(|n| format!("line {n}")).collect();
        let text = lines.join("\n");
        let Refusal::Other(kept) = Refusal::read(&text) else {
            panic!("neither a port nor a predecessor")
        };
        assert!(kept.starts_with("line 6\n") && kept.ends_with("line 20"));
    }
}
