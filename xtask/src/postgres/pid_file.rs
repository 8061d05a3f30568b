//! `postmaster.pid`, where a running PostgreSQL says how it is.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::ClusterError;

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    /// The process that wrote it.
    pub(super) pid: u32,
    /// Whether it takes connections.
    pub(super) ready: bool,
}

impl PidFile {
    pub(super) fn path(data: &Path) -> PathBuf {
        data.join("postmaster.pid")
    }

    /// Reads the file in `data`. `None` when there is none, or it is only half written.
    pub(super) fn read(data: &Path) -> Result<Option<Self>, ClusterError> {
        match fs::read_to_string(Self::path(data)) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClusterError::System("read postmaster.pid".into(), error)),
        }
    }

    // Line 1 is the process, negative for a single-user one; line 8 the state, padded with spaces.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse::<i32>().ok()?.unsigned_abs();
        let ready = lines.nth(6).is_some_and(|state| state.trim() == "ready");
        Some(Self { pid, ready })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "421\n/data\n1763800000\n5433\n\n127.0.0.1\n  5433001  7\n";

    #[test]
    fn a_starting_server_is_not_ready() {
        let starting = PidFile { pid: 421, ready: false };
        assert_eq!(PidFile::parse(LINES), Some(starting));
        assert_eq!(PidFile::parse(&format!("{LINES}starting\n")), Some(starting));
    }

    #[test]
    fn the_eighth_line_says_ready() {
        let ready = PidFile { pid: 421, ready: true };
        assert_eq!(PidFile::parse(&format!("{LINES}ready   \n")), Some(ready));
    }

    #[test]
    fn an_empty_file_says_nothing() {
        assert_eq!(PidFile::parse(""), None);
    }
}
