//! The server under test, as a process of its own.

mod port;
mod process;

use std::{path::PathBuf, process::ExitStatus};

use crate::{Fault, rest::Rest, wait};
use process::Process;

/// What the server is started with.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub binary: PathBuf,
    /// Where its database is.
    pub database_url: String,
    /// What it verifies tokens with; without a setting when empty.
    pub secret: String,
    /// Where its log goes; begun anew at the first start.
    pub log: PathBuf,
    /// Further settings, by the name of their environment variable. They win over the test kit's own.
    pub settings: Vec<(String, String)>,
}

impl Launch {
    /// A launch with the test kit's ordinary settings.
    pub fn new(binary: impl Into<PathBuf>, database_url: &str, log: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            database_url: database_url.to_owned(),
            secret: crate::fresh::id("a-secret-that-is-long-enough"),
            log: log.into(),
            settings: Vec::new(),
        }
    }

    /// The folder where it keeps files, beside its log.
    pub fn files(&self) -> PathBuf {
        self.log.with_extension("files")
    }

    /// The same launch with one setting more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running server. It ends with this value, and with this process.
#[derive(Debug)]
pub struct Server {
    launch: Launch,
    port: u16,
    process: Process,
}

impl Server {
    /// Starts a server on a free port and waits until it is ready.
    ///
    /// # Errors
    /// When it ends instead, or takes too long; shows the end of its log.
    pub async fn start(launch: Launch) -> Result<Self, Fault> {
        let mut server = Self::spawn(launch)?;
        server.ready().await?;
        Ok(server)
    }

    /// Starts a server on a free port and waits for nothing.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn spawn(launch: Launch) -> Result<Self, Fault> {
        let port = port::free()?;
        process::empty_log(&launch.log)?;
        process::empty_folder(&launch.files())?;
        let process = Process::start(&launch, port)?;
        Ok(Self { launch, port, process })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it verifies tokens with.
    pub fn secret(&self) -> &str {
        &self.launch.secret
    }

    /// The id of its process.
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Its resident memory, in kilobytes.
    ///
    /// # Errors
    /// When it is gone, or the kernel does not say.
    pub fn memory_kb(&self) -> Result<u64, Fault> {
        let pid = self.pid().ok_or_else(|| Fault::new("the server is gone"))?;
        crate::bench::usage::rss_kb(pid)
    }

    /// The most resident memory that it ever had since its start, in kilobytes.
    ///
    /// # Errors
    /// See [`memory_kb`](Self::memory_kb).
    pub fn peak_memory_kb(&self) -> Result<u64, Fault> {
        let pid = self.pid().ok_or_else(|| Fault::new("the server is gone"))?;
        crate::bench::usage::peak_rss_kb(pid)
    }

    /// The folder where it keeps files.
    pub fn files(&self) -> PathBuf {
        self.launch.files()
    }

    /// Everything it logged.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn log(&self) -> Result<String, Fault> {
        process::read_log(&self.launch.log)
    }

    /// Asks it to stop (`SIGTERM`).
    ///
    /// # Errors
    /// When it is gone already.
    pub fn terminate(&mut self) -> Result<(), Fault> {
        self.process.terminate()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it goes on.
    pub async fn ended(&mut self) -> Result<ExitStatus, Fault> {
        wait::within("the end of the server", self.process.ended()).await?
    }

    /// Ends it as a power cut would (`kill -9`).
    ///
    /// # Errors
    /// When the system would not.
    pub async fn kill_9(&mut self) -> Result<(), Fault> {
        self.process.kill().await
    }

    /// Starts it again on the same port, and waits until it is ready.
    ///
    /// # Errors
    /// See [`start`](Self::start).
    pub async fn restart(&mut self) -> Result<(), Fault> {
        self.process.kill().await?;
        self.process = Process::start(&self.launch, self.port)?;
        self.ready().await
    }

    async fn ready(&mut self) -> Result<(), Fault> {
        let rest = Rest::new(&self.url());
        let process = &mut self.process;
        let ready = wait::until("a ready server", async || {
            if let Some(status) = process.has_ended()? {
                return Err(Fault::new(format!("the server ended with {status}")));
            }
            let answer = rest.get("/health/ready").await.ok();
            Ok(answer.filter(|answer| answer.status == 200))
        })
        .await;
        ready.map(drop).map_err(|fault| {
            Fault::new(format!(
                "{fault:?}
{}",
                self.last_words()
            ))
        })
    }

    fn last_words(&self) -> String {
        let log = self.log().unwrap_or_else(|fault| fault.chain());
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
