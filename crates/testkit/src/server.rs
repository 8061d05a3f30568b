//! The server under test, as a process of its own.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io,
    net::{Ipv4Addr, TcpListener},
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

/// What the server is started with.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub binary: PathBuf,
    /// Where its database is.
    pub database_url: String,
    /// What it verifies tokens with; without a setting when empty.
    pub secret: String,
    /// Where its log goes; emptied at the first start.
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
            secret: crate::database::id("a-secret-that-is-long-enough"),
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
        let port = free()?;
        empty_log(&launch.log)?;
        empty_folder(&launch.files())?;
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
        read_log(&self.launch.log)
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

// Free ports.

/// Below the range from which the system picks the near ends of outgoing connections: a server must
/// find its port again after a restart, however many clients are about.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;
/// What one process may use before it meets the next one's ports.
const STRIDE: u32 = 97;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that is free now.
fn free() -> Result<u16, Fault> {
    for _ in 0..COUNT {
        let port = next();
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Fault::new("every port is taken"))
}

// Processes that run at the same time begin at different places.
fn next() -> u16 {
    let turn = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
    let place = process::id().wrapping_mul(STRIDE).wrapping_add(turn) % u32::from(COUNT);
    FIRST + u16::try_from(place).unwrap_or_default()
}

// The process of a server.

/// What a server inherits from us; nothing else of our environment may change what it does.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LLVM_PROFILE_FILE"];

/// A server's process. Ends with this value, and with our own process.
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
            _guard: ChildGuard::watch(id).map_err(Fault::while_doing("watch over the server"))?,
        })
    }

    /// Its id, while it runs.
    fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks it to stop.
    fn terminate(&self) -> Result<(), Fault> {
        let id = self.child.id().ok_or_else(gone)?;
        let heard = send(Signal::Terminate, id).map_err(Fault::while_doing("send a signal"))?;
        heard.then_some(()).ok_or_else(gone)
    }

    /// Ends it without a word; fine when it is gone.
    async fn kill(&mut self) -> Result<(), Fault> {
        self.child.kill().await.map_err(Fault::while_doing("kill the server"))
    }

    /// Waits for its end.
    async fn ended(&mut self) -> Result<ExitStatus, Fault> {
        self.child.wait().await.map_err(Fault::while_doing("wait for the server"))
    }

    /// How it ended, if it has.
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

/// Makes the log empty, and its folder if need be.
fn empty_log(path: &Path) -> Result<(), Fault> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Fault::while_doing("make the folder of the log"))?;
    }
    File::create(path).map(drop).map_err(Fault::while_doing("begin a log"))
}

/// Takes the folder away, with everything in it; that there is none is fine.
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
        let ports = [free().expect("a port"), free().expect("a port")];
        assert_ne!(ports[0], ports[1]);
        assert!(ports.iter().all(|port| (FIRST..FIRST + COUNT).contains(port)));
    }
}
