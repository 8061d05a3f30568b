//! PostgreSQL's first process.

use std::{
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{
    ClusterError,
    log::{Log, Refusal},
    pid_file::PidFile,
};
use crate::{
    leash::Leash,
    poll,
    process::{self, Signal},
};

const PAUSE: Duration = Duration::from_millis(10);
/// A start may have a crash to recover from.
const START_PATIENCE: Duration = Duration::from_mins(1);
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// A running PostgreSQL. Ends with this process, whatever ends it.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    leash: Option<Leash>,
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
        let mut this = Self { child, leash: None };
        let leash = Leash::tie(this.child.id());
        this.leash = Some(leash.map_err(ClusterError::while_doing("watch over PostgreSQL"))?);
        poll::until(START_PATIENCE, PAUSE, || this.is_ready(data, &log))?
            .ok_or(ClusterError::TooSlow("start", START_PATIENCE))?;
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
        let ended = poll::until(STOP_PATIENCE, PAUSE, || self.child.try_wait())
            .map_err(ClusterError::while_doing("wait for PostgreSQL"))?;
        if ended.is_some() {
            return Ok(());
        }
        self.kill()?;
        Err(ClusterError::TooSlow("stop", STOP_PATIENCE))
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
