//! A connection pooler, `pgbouncer`, in front of a PostgreSQL: for tests of what does not work through one.

use std::{
    fs,
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use super::{ClusterError, User, cluster::free_port};
use crate::{child_guard::ChildGuard, poll, postgres, process};

const PAUSE: Duration = Duration::from_millis(10);
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a port may be snatched away between choosing and using it.
const PORT_ATTEMPTS: u8 = 5;
/// Where it is on machines whose search path leaves it out for people without rights.
const DEBIAN: &str = "/usr/sbin/pgbouncer";

/// How the `options` of a startup message are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartupOptions {
    /// The session is refused, which is the default.
    Refused,
    /// They are ignored, as many operators configure it, so that other clients work.
    Dropped,
}

/// A `pgbouncer` in transaction mode. Ends with this value, and with this process.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
    home: PathBuf,
    child: Child,
    _guard: ChildGuard,
}

impl Pooler {
    /// The program, if this machine has it.
    pub fn program() -> Option<PathBuf> {
        let debian = Path::new(DEBIAN);
        process::find("pgbouncer").or_else(|| debian.is_file().then(|| debian.to_path_buf()))
    }

    /// Starts one in front of the server at `port` of this machine, whose superuser is `postgres`.
    /// `directory` is its own.
    ///
    /// # Errors
    /// See [`ClusterError`]; nothing is left running.
    pub fn start(
        directory: &Path,
        port: u16,
        options: StartupOptions,
    ) -> Result<Self, ClusterError> {
        let missing = || "it is not on PATH: install the package `pgbouncer`".to_owned();
        let program =
            Self::program().ok_or_else(|| ClusterError::Program("PgBouncer", missing()))?;
        let user = User::choose()?;
        let home = postgres::reachable(directory, &user)?;
        for _ in 0..PORT_ATTEMPTS {
            let own_port = free_port()?;
            let settings = home.join("pgbouncer.ini");
            fs::write(&settings, text(own_port, port, options))
                .map_err(ClusterError::while_doing("write PgBouncer's settings"))?;
            user.take_over(&home)?;
            let mut child = user
                .command(&program)
                .arg("-q")
                .arg(&settings)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
                .map_err(ClusterError::while_doing("start PgBouncer"))?;
            let guard = ChildGuard::watch(child.id())
                .map_err(ClusterError::while_doing("watch over PgBouncer"))?;
            if takes_connections(&mut child, own_port)? {
                return Ok(Self { port: own_port, home, child, _guard: guard });
            }
        }
        Err(ClusterError::Program("PgBouncer", "it ended as soon as it was started".to_owned()))
    }

    /// Where `database` is, through the pooler.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // Both can fail only when it is gone already. Files left behind hurt nobody.
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.home).ok();
    }
}

/// Whether it does; `false` when it ended instead.
fn takes_connections(child: &mut Child, port: u16) -> Result<bool, ClusterError> {
    let answer = poll::until(START_TIMEOUT, PAUSE, || {
        let ended = child.try_wait().map_err(ClusterError::while_doing("wait for PgBouncer"))?;
        if ended.is_some() {
            return Ok(Some(false));
        }
        Ok(TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true))
    })?;
    answer.ok_or_else(|| {
        child.kill().ok();
        child.wait().ok();
        ClusterError::Program("PgBouncer", "it takes no connections".to_owned())
    })
}

fn text(own_port: u16, port: u16, options: StartupOptions) -> String {
    let ignored = match options {
        StartupOptions::Refused => "",
        StartupOptions::Dropped => "ignore_startup_parameters = options\n",
    };
    format!(
        "[databases]\n* = host=127.0.0.1 port={port} user=postgres\n[pgbouncer]\npool_mode = transaction\n\
         listen_addr = 127.0.0.1\nlisten_port = {own_port}\nunix_socket_dir =\nauth_type = any\n{ignored}"
    )
}
