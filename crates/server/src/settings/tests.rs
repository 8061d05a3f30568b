//! From arguments and environment to the configuration.

mod database;
mod faults;
mod guides;
mod legacy;
mod mail;
mod retention;
mod shown;
mod sources;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::Config;
use crate::load::{Loaded, Refusal, Start, load};

const SECRET: &str = "canary-secret-of-a-decent-length-0123";
const URL: &str = "postgres://salon:canary@db.example/messaging";

/// A start with the required variables.
fn start() -> Start {
    Start { arguments: vec!["messaging-server".into()], ..Start::default() }
        .with("DATABASE_URL", URL)
        .with("JWT_SECRET", SECRET)
        .with("NODE_ENV", "development")
}

impl Start {
    fn with(mut self, variable: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(variable.to_owned(), value.into());
        self
    }

    fn flag(mut self, flag: &str) -> Self {
        self.arguments.push(flag.into());
        self
    }

    fn config(&self) -> Config {
        self.loaded().config
    }

    fn loaded(&self) -> Loaded {
        match load(self) {
            Ok(loaded) => loaded,
            Err(refusal) => panic!("{refusal:?}"),
        }
    }

    fn faults(&self) -> String {
        match load(self) {
            Err(Refusal::Faults(faults)) => faults,
            Err(Refusal::Usage(error)) => panic!("{error}"),
            Ok(_) => panic!("nothing is wrong"),
        }
    }
}

/// A file that is removed at the end of the test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("messaging-{}-{name}", std::process::id()));
        fs::write(&path, text).expect("a writable directory");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone_already = fs::remove_file(&self.0);
    }
}
