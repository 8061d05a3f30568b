//! A folder of a test's own.

use std::{env, fs, path::PathBuf, process};

/// Gone when dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    /// An empty folder; `name` is the test's.
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("mailer-{}-{name}", process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of it does no harm.
        fs::remove_dir_all(&self.0).ok();
    }
}
