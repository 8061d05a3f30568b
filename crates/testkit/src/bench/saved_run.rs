//! The file with the figures of a run, which a later run is compared with.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::figures::Figure;

/// Tells our files from other JSON.
const FORMAT: &str = "messaging-bench";
/// The version of the format. Raised when the fields, or the names and units of figures, change.
const VERSION: u64 = 1;
/// Maximum size of a file, in bytes. A complete run takes about 50 kB.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The figures of a run, and the conditions under which they were measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedRun {
    format: String,
    version: u64,
    /// When it started, in UTC.
    pub(super) started_at: String,
    /// What describes the machine, the database and the lengths of the measurements, a line each.
    pub(super) conditions: Vec<String>,
    /// In the order of the report.
    pub(super) figures: Vec<Figure>,
}

/// Why a file of figures cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SavedRunError {
    /// The file system refused.
    #[error("the file cannot be read or written: {0}")]
    Io(io::Error),
    /// It is not JSON of this command.
    #[error("this is not a file that `bench` saved")]
    NotOurs,
    /// Another version of this command saved it.
    #[error("the file has version {0} of the format, and this command reads version {VERSION}")]
    OtherVersion(u64),
    /// It has our format and version, but not its fields.
    #[error("the file is damaged: {0}")]
    Damaged(serde_json::Error),
    /// Larger than any file of this command.
    #[error("the file is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// Nothing is overwritten.
    #[error("there is such a file already")]
    Exists,
    /// The file cannot be created there.
    #[error("the folder for the file does not exist")]
    NoFolder,
}

// Not a source, since the text has it already.
impl From<io::Error> for SavedRunError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl SavedRun {
    /// A run to save.
    pub(super) fn new(started_at: String, conditions: Vec<String>, figures: Vec<Figure>) -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, started_at, conditions, figures }
    }

    /// Reads the file of an earlier run.
    ///
    /// # Errors
    /// See [`SavedRunError`].
    pub fn read(path: &str) -> Result<Self, SavedRunError> {
        let mut bytes = Vec::new();
        File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, SavedRunError> {
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
            return Err(SavedRunError::TooLarge);
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|_| SavedRunError::NotOurs)?;
        if value["format"] != FORMAT {
            return Err(SavedRunError::NotOurs);
        }
        match value["version"].as_u64() {
            Some(VERSION) => serde_json::from_value(value).map_err(SavedRunError::Damaged),
            Some(other) => Err(SavedRunError::OtherVersion(other)),
            None => Err(SavedRunError::NotOurs),
        }
    }

    /// Writes a new file.
    ///
    /// # Errors
    /// See [`SavedRunError`].
    pub(super) fn save(&self, path: &Path) -> Result<(), SavedRunError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(SavedRunError::Damaged)?;
        text.push(b'\n');
        Ok(File::create_new(path)?.write_all(&text)?)
    }
}

/// The path of a file that can be created.
///
/// # Errors
/// When there is such a file already, or no folder for it.
pub fn new_file(path: &str) -> Result<PathBuf, SavedRunError> {
    let path = std::path::absolute(path)?;
    if path.exists() {
        return Err(SavedRunError::Exists);
    }
    match path.parent() {
        Some(folder) if folder.is_dir() => Ok(path),
        _ => Err(SavedRunError::NoFolder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> SavedRun {
        let figures = vec![Figure::new("sends: p99", "ms", 12.5)];
        SavedRun::new("2026-11-30T18:00:00Z".to_owned(), vec!["2 cores".to_owned()], figures)
    }

    #[test]
    fn a_saved_run_is_read_as_it_was_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.json");
        let text = path.to_str().expect("a name in UTF-8");
        assert_eq!(new_file(text).expect("a new file"), path);
        run().save(&path).expect("saved");
        assert_eq!(SavedRun::read(text).expect("a run"), run());
        assert!(matches!(new_file(text), Err(SavedRunError::Exists)));
        assert!(matches!(run().save(&path), Err(SavedRunError::Io(_))));
    }

    #[test]
    fn a_file_in_a_missing_folder_is_refused() {
        let refused = new_file("/there/is/no/such/folder/run.json");
        assert!(matches!(refused, Err(SavedRunError::NoFolder)));
        let refused = SavedRun::read("/there/is/no/such/folder/run.json");
        assert!(matches!(refused, Err(SavedRunError::Io(_))));
    }

    #[test]
    fn other_files_are_refused_each_with_its_reason() {
        let parse = |text: &str| SavedRun::parse(text.as_bytes());
        for other in ["", "text", "[]", "{}", r#"{"format":"another","version":1}"#] {
            assert!(matches!(parse(other), Err(SavedRunError::NotOurs)), "{other}");
        }
        let nameless = r#"{"format":"messaging-bench","version":"one"}"#;
        assert!(matches!(parse(nameless), Err(SavedRunError::NotOurs)));
        let later = r#"{"format":"messaging-bench","version":2}"#;
        assert!(matches!(parse(later), Err(SavedRunError::OtherVersion(2))));
        let damaged = r#"{"format":"messaging-bench","version":1,"figures":[]}"#;
        assert!(matches!(parse(damaged), Err(SavedRunError::Damaged(_))));
        let huge = vec![b' '; usize::try_from(FILE_BYTES_MAX).expect("a size") + 1];
        assert!(matches!(SavedRun::parse(&huge), Err(SavedRunError::TooLarge)));
    }
}
