//! A PostgreSQL of our own, from its first file to its last process.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{ClusterError, Options, User, binaries::Binaries};
use crate::{
    child_guard::ChildGuard,
    poll, postgres,
    process::{self, Signal},
};

/// How often a port may be snatched away between choosing and using it.
const PORT_ATTEMPTS: u8 = 5;
/// How long the processes of a killed server may take to go.
const EXIT_TIMEOUT: Duration = Duration::from_secs(30);
const EXIT_PAUSE: Duration = Duration::from_millis(50);

/// A private PostgreSQL on loopback, where anybody on this machine is `postgres`. Dropping it stops it;
/// should this process be killed, it stops by itself.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    /// The language of messages where `lc_messages` is not `C`, as gettext names it.
    language: Option<&'static str>,
    user: User,
    binaries: Binaries,
    home: PathBuf,
    port: u16,
    postmaster: Option<Postmaster>,
    // Held as long as we live: its owner alone may touch the directory.
    _lock: File,
}

impl Cluster {
    /// Starts a cluster, creating or emptying its directory as the options say.
    ///
    /// The administrator runs it as an unprivileged user and, when that one cannot reach the directory,
    /// in the temporary folder. What an earlier, killed owner left running is stopped first.
    ///
    /// # Errors
    /// See [`ClusterError`]; nothing is left running.
    pub fn start(options: Options) -> Result<Self, ClusterError> {
        Self::start_in(options, None)
    }

    /// Like [`start`](Self::start). Databases and roles with an `lc_messages` other than `C` are
    /// answered in `language`, such as `fr`, if this PostgreSQL has its translation. All others, and
    /// the log, stay in English.
    ///
    /// # Errors
    /// See [`ClusterError`]; nothing is left running.
    pub fn start_translated(
        options: Options,
        language: &'static str,
    ) -> Result<Self, ClusterError> {
        Self::start_in(options, Some(language))
    }

    fn start_in(options: Options, language: Option<&'static str>) -> Result<Self, ClusterError> {
        let user = User::choose()?;
        let lock = postgres::lock(&options.directory)?;
        let binaries = Binaries::find(&user)?;
        let home = postgres::reachable(&options.directory, &user)?;
        let mut cluster = Self {
            options,
            language,
            user,
            binaries,
            home,
            port: 0,
            postmaster: None,
            _lock: lock,
        };
        cluster.prepare()?;
        cluster.start_on_a_free_port()?;
        Ok(cluster)
    }

    /// Where `database` is, for its superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops it in good order.
    ///
    /// # Errors
    /// When it had to be killed, or its files could not be removed.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.wind_up()
    }

    /// Kills every process of it at once, as a power cut would. [`restart`](Self::restart) recovers it.
    ///
    /// # Errors
    /// When the system would not.
    pub fn kill_9(&mut self) -> Result<(), ClusterError> {
        self.postmaster.take().map_or(Ok(()), Postmaster::kill)
    }

    /// Starts it again on the same port, after stopping it in good order if it runs.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn restart(&mut self) -> Result<(), ClusterError> {
        self.postmaster.take().map_or(Ok(()), Postmaster::stop)?;
        let started = poll::until(EXIT_TIMEOUT, EXIT_PAUSE, || match self.launch() {
            Ok(postmaster) => Ok(Some(postmaster)),
            Err(Attempt::Refused(Refusal::PortTaken | Refusal::PredecessorExiting)) => Ok(None),
            Err(other) => Err(final_error(other)),
        })?;
        self.postmaster = Some(started.ok_or(ClusterError::TooSlow("restart", EXIT_TIMEOUT))?);
        Ok(())
    }

    // Data belong to the major version that made them: after an upgrade a new folder is begun.
    fn data(&self) -> PathBuf {
        self.home.join(format!("data-{}", self.binaries.major))
    }

    fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    fn prepare(&self) -> Result<(), ClusterError> {
        let data = self.data();
        self.user.take_over(&self.home)?;
        clear(&data)?;
        postgres::remove(&self.log())?;
        if self.options.ephemeral {
            postgres::remove(&data)?;
        }
        if data.join("PG_VERSION").exists() {
            return Ok(());
        }
        self.initialise(&data)
    }

    // Under another name first, so that an interrupted attempt is never taken for a database.
    fn initialise(&self, data: &Path) -> Result<(), ClusterError> {
        let unfinished = data.with_extension("unfinished");
        postgres::remove(&unfinished)?;
        let output = self
            .user
            .command(self.binaries.initdb())
            .args(["--username=postgres", "--auth=trust", "--no-locale"])
            .args(["--encoding=UTF8", "--no-sync", "--pgdata"])
            .arg(&unfinished)
            .output()
            .map_err(ClusterError::while_doing("start initdb"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(ClusterError::Program("initdb", said));
        }
        fs::rename(&unfinished, data).map_err(ClusterError::while_doing("name the new database"))
    }

    fn start_on_a_free_port(&mut self) -> Result<(), ClusterError> {
        for _ in 0..PORT_ATTEMPTS {
            self.port = free_port()?;
            match self.launch() {
                Ok(postmaster) => {
                    self.postmaster = Some(postmaster);
                    return Ok(());
                }
                Err(Attempt::Refused(Refusal::PortTaken)) => {}
                Err(Attempt::Refused(Refusal::PredecessorExiting)) => break,
                Err(other) => return Err(final_error(other)),
            }
        }
        self.restart()
    }

    fn launch(&self) -> Result<Postmaster, Attempt> {
        let data = self.data();
        Postmaster::start(self.server(&data), &data, &self.log())
    }

    fn server(&self, data: &Path) -> Command {
        let mut server = self.user.command(self.binaries.postgres());
        server.arg("-D").arg(data);
        server.args(["-p", &self.port.to_string()]);
        server.args(["-c", "listen_addresses=127.0.0.1"]);
        server.args(["-c", "unix_socket_directories="]);
        let max_connections = format!("max_connections={}", self.options.max_connections);
        server.args(["-c", &max_connections]);
        for setting in self.options.durability.settings() {
            server.args(["-c", setting]);
        }
        // gettext takes the language from here, so that no locale of it need be installed.
        match self.language {
            Some(language) => server.env("LANGUAGE", language),
            None => server.env_remove("LANGUAGE"),
        };
        server
    }

    fn wind_up(&mut self) -> Result<(), ClusterError> {
        self.postmaster.take().map_or(Ok(()), Postmaster::stop)?;
        if self.options.ephemeral {
            postgres::remove(&self.home)?;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Whoever cares calls `stop`. A postmaster that will not stop was killed; files left behind are
        // removed by the next start.
        self.wind_up().ok();
    }
}

fn final_error(attempt: Attempt) -> ClusterError {
    match attempt {
        Attempt::Failed(error) => error,
        Attempt::Refused(Refusal::Other(log)) => ClusterError::Refused(log),
        Attempt::Refused(refusal) => ClusterError::Refused(format!("{refusal:?}")),
    }
}

// What an earlier run left behind when it was killed.

const ORPHAN_PAUSE: Duration = Duration::from_millis(20);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Ends the PostgreSQL that still serves `data`, if one does. The caller holds the directory's lock,
/// so nobody is using it.
pub(super) fn clear(data: &Path) -> Result<(), ClusterError> {
    let Some(PidFile { pid, .. }) = PidFile::read(data)? else {
        return Ok(());
    };
    match process::command_line(pid) {
        // Left as it is: PostgreSQL checks what else it says before it starts over it.
        None => Ok(()),
        Some(line) if serves(&line, data) => stop(pid),
        // The number went to another program since, and would keep PostgreSQL from starting.
        Some(_) => fs::remove_file(PidFile::path(data))
            .map_err(ClusterError::while_doing("remove a stale postmaster.pid")),
    }
}

fn serves(command_line: &str, data: &Path) -> bool {
    let program = command_line.split(' ').next().unwrap_or_default();
    program.ends_with("postgres") && data.to_str().is_some_and(|data| command_line.contains(data))
}

fn stop(pid: u32) -> Result<(), ClusterError> {
    for signal in [Signal::Interrupt, Signal::Kill] {
        process::send(signal, pid).map_err(ClusterError::while_doing("stop an old PostgreSQL"))?;
        let gone = poll::until(TIMEOUT, ORPHAN_PAUSE, || {
            Ok(process::command_line(pid).is_none().then_some(()))
        })?;
        if gone.is_some() {
            return Ok(());
        }
    }
    Err(ClusterError::TooSlow("stop", TIMEOUT * 2))
}

// `postmaster.pid`, where a running PostgreSQL says how it is.

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

// PostgreSQL's first process.

const PAUSE: Duration = Duration::from_millis(10);
/// A start may have a crash to recover from.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// A running PostgreSQL. Ends with this process, whatever ends it.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    guard: Option<ChildGuard>,
}

/// Why one attempt to start led nowhere.
#[derive(Debug)]
pub(super) enum Attempt {
    /// PostgreSQL itself would not.
    Refused(Refusal),
    /// Something else.
    Failed(ClusterError),
}

impl From<ClusterError> for Attempt {
    fn from(error: ClusterError) -> Self {
        Self::Failed(error)
    }
}

/// A port nobody uses now. Somebody may, before we do.
pub(super) fn free_port() -> Result<u16, ClusterError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(ClusterError::while_doing("find a free port"))
}

impl Postmaster {
    /// Starts `command`, which serves `data`, and waits until it takes connections.
    pub(super) fn start(mut command: Command, data: &Path, log: &Path) -> Result<Self, Attempt> {
        let (log, output) =
            Log::open(log).map_err(ClusterError::while_doing("open PostgreSQL's log"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            // A Ctrl-C is for us; we stop it when its users are gone.
            .process_group(0)
            .spawn()
            .map_err(ClusterError::while_doing("start PostgreSQL"))?;
        let mut this = Self { child, guard: None };
        let guard = ChildGuard::watch(this.child.id());
        this.guard = Some(guard.map_err(ClusterError::while_doing("watch over PostgreSQL"))?);
        poll::until(START_TIMEOUT, PAUSE, || this.is_ready(data, &log))?
            .ok_or(ClusterError::TooSlow("start", START_TIMEOUT))?;
        Ok(this)
    }

    fn is_ready(&mut self, data: &Path, log: &Log) -> Result<Option<()>, Attempt> {
        let ended =
            self.child.try_wait().map_err(ClusterError::while_doing("wait for PostgreSQL"))?;
        if ended.is_some() {
            let refusal =
                log.refusal().map_err(ClusterError::while_doing("read PostgreSQL's log"))?;
            return Err(Attempt::Refused(refusal));
        }
        // The file may still be that of a predecessor.
        let ready = PidFile { pid: self.child.id(), ready: true };
        Ok((PidFile::read(data)? == Some(ready)).then_some(()))
    }

    /// Ends it in good order: sessions are dropped, everything is written.
    pub(super) fn stop(mut self) -> Result<(), ClusterError> {
        process::send(Signal::Interrupt, self.child.id())
            .map_err(ClusterError::while_doing("stop PostgreSQL"))?;
        let ended = poll::until(STOP_TIMEOUT, PAUSE, || self.child.try_wait())
            .map_err(ClusterError::while_doing("wait for PostgreSQL"))?;
        if ended.is_some() {
            return Ok(());
        }
        self.kill()?;
        Err(ClusterError::TooSlow("stop", STOP_TIMEOUT))
    }

    /// Ends it and the processes it started as a power cut would: at once, nothing written.
    pub(super) fn kill(mut self) -> Result<(), ClusterError> {
        let doing = || ClusterError::while_doing("kill PostgreSQL");
        // Asked first: orphans have another parent.
        let workers = process::children(self.child.id());
        self.child.kill().map_err(doing())?;
        for worker in workers {
            // `false` only says that it was gone before.
            process::send(Signal::Kill, worker).map_err(doing())?;
        }
        self.child.wait().map(drop).map_err(doing())
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        // Nothing to do after `stop` or `kill`. Both can fail only when it is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

// What PostgreSQL says while it starts.

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
    PredecessorExiting,
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
            Self::PredecessorExiting
        } else {
            let lines: Vec<_> = text.lines().collect();
            let last = lines.len().saturating_sub(LAST_LINES);
            Self::Other(lines[last..].join("\n"))
        }
    }
}

#[cfg(test)]
mod orphan_tests {
    use super::*;

    #[test]
    fn only_the_postgres_of_this_folder_is_an_orphan() {
        let data = Path::new("/t/dev/data-15");
        assert!(serves("/usr/bin/postgres -D /t/dev/data-15 -p 1", data));
        assert!(!serves("/usr/bin/postgres -D /t/test/data-15 -p 1", data));
        assert!(!serves("tail -f /t/dev/data-15/log", data));
    }
}

#[cfg(test)]
mod pid_file_tests {
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

#[cfg(test)]
mod log_tests {
    use super::*;

    #[test]
    fn a_taken_port_is_recognised() {
        let text = "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\n";
        assert_eq!(Refusal::read(text), Refusal::PortTaken);
    }

    #[test]
    fn a_leaving_predecessor_is_recognised() {
        let text = "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use\n";
        assert_eq!(Refusal::read(text), Refusal::PredecessorExiting);
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
