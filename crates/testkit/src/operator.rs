//! The operator: the server's administration commands.

use std::path::PathBuf;

use tokio::process::Command;

use crate::{Fault, test_app::TestApp};

/// Runs administration commands of the server's program.
#[derive(Clone, Debug)]
pub struct Operator {
    binary: PathBuf,
    database_url: String,
}

impl Operator {
    /// Commands of this program for this database.
    pub fn new(binary: impl Into<PathBuf>, database_url: &str) -> Self {
        Self { binary: binary.into(), database_url: database_url.to_owned() }
    }

    /// Commands of this program for the database of a running server.
    pub fn of(app: &TestApp, binary: &str) -> Self {
        Self::new(binary, &app.database.url())
    }

    /// Runs a command and returns its standard output.
    ///
    /// # Errors
    /// When it fails; shows its standard error.
    pub async fn run(&self, verb: &[&str]) -> Result<String, Fault> {
        let name = verb.join(" ");
        let output = Command::new(&self.binary)
            .args(verb)
            .env_clear()
            .env("NODE_ENV", "development")
            .env("DATABASE_URL", &self.database_url)
            .env("JWT_SECRET", "a-secret-that-no-verb-ever-uses-for-a-token")
            .output()
            .await
            .map_err(Fault::while_doing(format!("call `{name}`")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Fault::new(format!("`{name}` ended with {}: {complaint}", output.status)))
    }
}
