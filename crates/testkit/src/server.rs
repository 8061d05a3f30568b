//! The server under test, as a separate process.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{self, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use tokio::process::{Child, Command};
use xtask::{
    child_guard::ChildGuard,
    process::{Signal, send},
};

use crate::{Fault, rest::Rest, wait};

/// The parameters to start the server.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub binary: PathBuf,
    /// The URL of its database.
    pub database_url: String,
    /// The secret that verifies tokens; if empty, none is configured.
    pub secret: String,
    /// The log file; emptied at the first start.
    pub log: PathBuf,
    /// Additional settings, by environment variable. They override the test kit's own.
    pub settings: Vec<(String, String)>,
}

impl Launch {
    /// A launch with the test kit's default settings.
    pub fn new(binary: impl Into<PathBuf>, database_url: &str, log: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            database_url: database_url.to_owned(),
            secret: crate::database::id("a-secret-that-is-long-enough"),
            log: log.into(),
            settings: Vec::new(),
        }
    }

    /// The folder for its files, beside its log.
    pub fn files(&self) -> PathBuf {
        self.log.with_extension("files")
    }

    /// The same launch with one more setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running server. It is killed when this value is dropped, and when this process ends.
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
    /// When it exits or takes too long; shows the end of its log.
    pub async fn start(launch: Launch) -> Result<Self, Fault> {
        let mut server = Self::spawn(launch)?;
        server.ready().await?;
        Ok(server)
    }

    /// Starts a server on a free port without waiting.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn spawn(launch: Launch) -> Result<Self, Fault> {
        let port = free_port()?;
        empty_log(&launch.log)?;
        empty_folder(&launch.files())?;
        let process = Process::start(&launch, port)?;
        Ok(Self { launch, port, process })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The secret that verifies tokens.
    pub fn secret(&self) -> &str {
        &self.launch.secret
    }

    /// Its process id.
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Its resident memory, in kilobytes.
    ///
    /// # Errors
    /// When it has exited, or the kernel does not report it.
    pub fn memory_kb(&self) -> Result<u64, Fault> {
        let pid = self.pid().ok_or_else(|| Fault::new("the server is gone"))?;
        crate::bench::usage::rss_kb(pid)
    }

    /// Its peak resident memory since the start, in kilobytes.
    ///
    /// # Errors
    /// See [`memory_kb`](Self::memory_kb).
    pub fn peak_memory_kb(&self) -> Result<u64, Fault> {
        let pid = self.pid().ok_or_else(|| Fault::new("the server is gone"))?;
        crate::bench::usage::peak_rss_kb(pid)
    }

    /// The folder for its files.
    pub fn files(&self) -> PathBuf {
        self.launch.files()
    }

    /// Its whole log.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn log(&self) -> Result<String, Fault> {
        read_log(&self.launch.log)
    }

    /// Asks it to stop (`SIGTERM`).
    ///
    /// # Errors
    /// When it has exited already.
    pub fn terminate(&mut self) -> Result<(), Fault> {
        self.process.terminate()
    }

    /// Waits until it has exited.
    ///
    /// # Errors
    /// When it does not exit in time.
    pub async fn ended(&mut self) -> Result<ExitStatus, Fault> {
        wait::within("the end of the server", self.process.ended()).await?
    }

    /// Kills it (`kill -9`), as a power failure would.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn kill_9(&mut self) -> Result<(), Fault> {
        self.process.kill().await
    }

    /// Kills it, starts it again on the same port, and waits until it is ready.
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
                self.log_tail()
            ))
        })
    }

    fn log_tail(&self) -> String {
        let log = self.log().unwrap_or_else(|fault| fault.chain());
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

// Free ports.

/// Below the range of ephemeral ports, so that no client can take a server's port during a restart.
const FIRST_PORT: u16 = 20_000;
const PORT_COUNT: u16 = 10_000;
/// The ports reserved for each process id, so that concurrent processes rarely collide.
const PORTS_PER_PROCESS: u32 = 97;

static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// A port that is free now.
fn free_port() -> Result<u16, Fault> {
    for _ in 0..PORT_COUNT {
        let port = next_port();
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Fault::new("no free port"))
}

// Concurrent processes start at different ports.
fn next_port() -> u16 {
    let number = u32::from(NEXT_PORT.fetch_add(1, Ordering::Relaxed));
    let offset =
        process::id().wrapping_mul(PORTS_PER_PROCESS).wrapping_add(number) % u32::from(PORT_COUNT);
    FIRST_PORT + u16::try_from(offset).unwrap_or_default()
}

// The process of a server.

/// The environment variables a server inherits; no others may change its behaviour.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LLVM_PROFILE_FILE"];

/// A server's process. Killed when this value is dropped, and when our process ends.
#[derive(Debug)]
struct Process {
    child: Child,
    _guard: ChildGuard,
}

impl Process {
    /// Starts the program of `launch` on `port`.
    fn start(launch: &Launch, port: u16) -> Result<Self, Fault> {
        let child =
            command(launch, port)?.spawn().map_err(Fault::while_doing("start the server"))?;
        let id = child.id().ok_or_else(gone)?;
        Ok(Self {
            child,
            _guard: ChildGuard::watch(id)
                .map_err(Fault::while_doing("guard the server process"))?,
        })
    }

    /// Its id, while it runs.
    fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks it to stop.
    fn terminate(&self) -> Result<(), Fault> {
        let id = self.child.id().ok_or_else(gone)?;
        let was_sent = send(Signal::Terminate, id).map_err(Fault::while_doing("send a signal"))?;
        was_sent.then_some(()).ok_or_else(gone)
    }

    /// Kills it; succeeds if it has exited already.
    async fn kill(&mut self) -> Result<(), Fault> {
        self.child.kill().await.map_err(Fault::while_doing("kill the server"))
    }

    /// Waits until it exits.
    async fn ended(&mut self) -> Result<ExitStatus, Fault> {
        self.child.wait().await.map_err(Fault::while_doing("wait for the server"))
    }

    /// Its exit status, if it has exited.
    fn has_ended(&mut self) -> Result<Option<ExitStatus>, Fault> {
        self.child.try_wait().map_err(Fault::while_doing("look at the server"))
    }
}

fn gone() -> Fault {
    Fault::new("the server is gone")
}

fn command(launch: &Launch, port: u16) -> Result<Command, Fault> {
    let log = open_log(&launch.log)?;
    let errors = log.try_clone().map_err(Fault::while_doing("share the log"))?;
    let mut command = Command::new(&launch.binary);
    command
        .env_clear()
        .envs(INHERITED.iter().filter_map(|name| Some((name, env::var_os(name)?))))
        .env("NODE_ENV", "development")
        .env("PORT", port.to_string())
        .env("DATABASE_URL", &launch.database_url)
        .env("RATE_LIMITS", "off")
        .env("LOG_FORMAT", "json")
        .env("FILES_FOLDER", launch.files())
        .env("FILES_PUBLIC_URL", format!("http://127.0.0.1:{port}"))
        .envs(launch.settings.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .kill_on_drop(true);
    if !launch.secret.is_empty() {
        command.env("JWT_SECRET", &launch.secret);
    }
    Ok(command)
}

/// Creates an empty log, and its folder if necessary.
fn empty_log(path: &Path) -> Result<(), Fault> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Fault::while_doing("make the folder of the log"))?;
    }
    File::create(path).map(drop).map_err(Fault::while_doing("create the log"))
}

/// Removes the folder, if it exists.
fn empty_folder(path: &Path) -> Result<(), Fault> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(Fault::while_doing("empty the folder for files")(cause))
        }
        _ => Ok(()),
    }
}

/// Reads the log.
fn read_log(path: &Path) -> Result<String, Fault> {
    fs::read_to_string(path).map_err(Fault::while_doing("read the server's log"))
}

fn open_log(path: &Path) -> Result<File, Fault> {
    OpenOptions::new().append(true).open(path).map_err(Fault::while_doing("open the server's log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ports_differ_and_lie_in_the_range() {
        let ports = [free_port().expect("a port"), free_port().expect("a port")];
        assert_ne!(ports[0], ports[1]);
        assert!(ports.iter().all(|port| (FIRST_PORT..FIRST_PORT + PORT_COUNT).contains(port)));
    }
}
