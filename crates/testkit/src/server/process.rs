//! The process of a server.

use std::{
    env, fs,
    fs::{File, OpenOptions},
    io,
    path::Path,
    process::{ExitStatus, Stdio},
};

use tokio::process::{Child, Command};
use xtask::{
    leash::Leash,
    process::{Signal, send},
};

use super::Launch;
use crate::Fault;

/// What a server inherits from us; nothing else of our environment may change what it does.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LLVM_PROFILE_FILE"];

/// A server's process. Ends with this value, and with our own process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    _leash: Leash,
}

impl Process {
    /// Starts the program of `launch` on `port`.
    pub(super) fn start(launch: &Launch, port: u16) -> Result<Self, Fault> {
        let child =
            command(launch, port)?.spawn().map_err(Fault::while_doing("start the server"))?;
        let id = child.id().ok_or_else(gone)?;
        Ok(Self {
            child,
            _leash: Leash::tie(id).map_err(Fault::while_doing("watch over the server"))?,
        })
    }

    /// Its id, while it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks it to stop.
    pub(super) fn terminate(&self) -> Result<(), Fault> {
        let id = self.child.id().ok_or_else(gone)?;
        let heard = send(Signal::Terminate, id).map_err(Fault::while_doing("send a signal"))?;
        heard.then_some(()).ok_or_else(gone)
    }

    /// Ends it without a word; fine when it is gone.
    pub(super) async fn kill(&mut self) -> Result<(), Fault> {
        self.child.kill().await.map_err(Fault::while_doing("kill the server"))
    }

    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> Result<ExitStatus, Fault> {
        self.child.wait().await.map_err(Fault::while_doing("wait for the server"))
    }

    /// How it ended, if it has.
    pub(super) fn has_ended(&mut self) -> Result<Option<ExitStatus>, Fault> {
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
pub(super) fn empty_log(path: &Path) -> Result<(), Fault> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Fault::while_doing("make the folder of the log"))?;
    }
    File::create(path).map(drop).map_err(Fault::while_doing("begin a log"))
}

/// Takes the folder away, with everything in it; that there is none is fine.
pub(super) fn empty_folder(path: &Path) -> Result<(), Fault> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(Fault::while_doing("empty the folder for files")(cause))
        }
        _ => Ok(()),
    }
}

/// Reads the log.
pub(super) fn read_log(path: &Path) -> Result<String, Fault> {
    fs::read_to_string(path).map_err(Fault::while_doing("read the server's log"))
}

fn open_log(path: &Path) -> Result<File, Fault> {
    OpenOptions::new().append(true).open(path).map_err(Fault::while_doing("open the server's log"))
}
