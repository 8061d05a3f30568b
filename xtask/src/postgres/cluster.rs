//! A PostgreSQL of our own, from its first file to its last process.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    ClusterError, Options,
    binaries::Binaries,
    log::Refusal,
    orphan, place,
    postmaster::{Attempt, Postmaster, free_port},
    user::User,
};
use crate::poll;

/// How often a port may be snatched away between choosing and using it.
const PORT_ATTEMPTS: u8 = 5;
/// How long the processes of a killed server may take to go.
const LEAVING_PATIENCE: Duration = Duration::from_secs(30);
const LEAVING_PAUSE: Duration = Duration::from_millis(50);

/// A private PostgreSQL on loopback, where anybody on this machine is `postgres`. Dropping it stops it;
/// should this process be killed, it stops by itself.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
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
        let user = User::choose()?;
        let lock = place::lock(&options.directory)?;
        let binaries = Binaries::find(&user)?;
        let home = place::reachable(&options.directory, &user)?;
        let mut cluster =
            Self { options, user, binaries, home, port: 0, postmaster: None, _lock: lock };
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
        let started = poll::until(LEAVING_PATIENCE, LEAVING_PAUSE, || match self.launch() {
            Ok(postmaster) => Ok(Some(postmaster)),
            Err(Attempt::Refused(Refusal::PortTaken | Refusal::PredecessorLeaving)) => Ok(None),
            Err(other) => Err(final_error(other)),
        })?;
        self.postmaster = Some(started.ok_or(ClusterError::TooSlow("restart", LEAVING_PATIENCE))?);
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
        orphan::clear(&data)?;
        place::remove(&self.log())?;
        if self.options.ephemeral {
            place::remove(&data)?;
        }
        if data.join("PG_VERSION").exists() {
            return Ok(());
        }
        self.initialise(&data)
    }

    // Under another name first, so that an interrupted attempt is never taken for a database.
    fn initialise(&self, data: &Path) -> Result<(), ClusterError> {
        let unfinished = data.with_extension("unfinished");
        place::remove(&unfinished)?;
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
                Err(Attempt::Refused(Refusal::PredecessorLeaving)) => break,
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
        server
    }

    fn wind_up(&mut self) -> Result<(), ClusterError> {
        self.postmaster.take().map_or(Ok(()), Postmaster::stop)?;
        if self.options.ephemeral {
            place::remove(&self.home)?;
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
