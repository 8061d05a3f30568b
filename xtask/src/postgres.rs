//! A private PostgreSQL: found or fetched, started on loopback, stopped with the process that started it.

pub mod binaries;
pub mod cluster;
mod pooler;

pub use binaries::DumpPrograms;
pub use cluster::Cluster;
pub use pooler::{Pooler, StartupOptions};

use std::{
    env,
    ffi::OsStr,
    fmt,
    fs::{self, File, TryLockError},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt},
        process::CommandExt,
    },
    path::{Path, PathBuf, absolute},
    process::Command,
    time::Duration,
};

use crate::{node::NodeError, process};

// Errors.

/// A cluster could not be started, stopped or restarted.
#[derive(Debug)]
pub enum ClusterError {
    /// `PG_BIN_DIR` holds no PostgreSQL that runs here.
    BadBinDir(PathBuf),
    /// No PostgreSQL on this machine, and none could be fetched.
    NoPostgres(NodeError),
    /// No PostgreSQL on this machine, and no archive is known for it.
    UnknownPlatform(String),
    /// npm left no PostgreSQL behind: it could not be fetched, or was not the one that is pinned.
    NotFetched(PathBuf),
    /// Another process uses this directory.
    Busy(PathBuf),
    /// The directory belongs to another user.
    NotOurs(PathBuf),
    /// A program failed, with this output.
    Program(&'static str, String),
    /// PostgreSQL ended instead of starting, with these last lines of its log.
    Refused(String),
    /// PostgreSQL neither started nor stopped in this time.
    TooSlow(&'static str, Duration),
    /// A call of the system failed.
    System(String, io::Error),
}

impl ClusterError {
    /// For `map_err`: the action that failed.
    fn while_doing(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        |source| Self::System(doing.into(), source)
    }
}

const HINT: &str = "\
Install PostgreSQL 14 or newer, then run this again:
  Debian, Ubuntu  sudo apt-get install postgresql
  Fedora, RHEL    sudo dnf install postgresql-server
  Alpine          sudo apk add postgresql
  Arch            sudo pacman -S postgresql
  macOS           brew install postgresql@17
Or name its programs with PG_BIN_DIR, or a running server with DATABASE_URL.";

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBinDir(path) => write!(
                f,
                "PG_BIN_DIR is {}, where no `initdb` and `postgres` of version 14 or newer run",
                path.display()
            ),
            Self::NoPostgres(_) => {
                write!(f, "no PostgreSQL here. {HINT}\nTo have one fetched instead")
            }
            Self::UnknownPlatform(name) => write!(f, "no PostgreSQL here. {HINT}\n({name})"),
            Self::NotFetched(path) => write!(
                f,
                "no PostgreSQL here, and npm did not bring one: it could not be fetched, or did not \
                 match its pinned sha512 (`npm ci --loglevel=verbose` in {} says which). {HINT}",
                path.display()
            ),
            Self::Busy(path) => {
                write!(f, "another process has a database in {}; end it first", path.display())
            }
            Self::NotOurs(path) => write!(
                f,
                "{} belongs to another user, who ran this before; remove it",
                path.display()
            ),
            Self::Program(name, said) => write!(f, "{name} failed:\n{said}"),
            Self::Refused(log) => write!(f, "PostgreSQL did not start:\n{log}"),
            Self::TooSlow(what, timeout) => {
                write!(f, "PostgreSQL did not {what} within {} s", timeout.as_secs())
            }
            Self::System(doing, _) => write!(f, "could not {doing}"),
        }
    }
}

impl std::error::Error for ClusterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System(_, source) => Some(source),
            Self::NoPostgres(source) => Some(source),
            _ => None,
        }
    }
}

// Options.

/// How a [`Cluster`] is to be started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its directory. Created if absent; one owner at a time.
    pub directory: PathBuf,
    /// Whether commits are durable.
    pub durability: Durability,
    /// Most connections at once.
    pub max_connections: u16,
    /// Whether to start empty and leave nothing behind.
    pub ephemeral: bool,
}

/// Whether commits are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On disk, as in production.
    Durable,
    /// In memory: nothing survives a crash. For tests of everything else.
    Fast,
}

impl Durability {
    /// The settings of PostgreSQL for it.
    const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Durable => &["fsync=on", "synchronous_commit=on", "full_page_writes=on"],
            Self::Fast => &["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
        }
    }
}

// Who runs PostgreSQL: it refuses to be run by the administrator.

/// The user PostgreSQL runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
enum User {
    /// The one who called us.
    Caller,
    /// One without rights, because the administrator called us.
    Unprivileged {
        /// Its number.
        uid: u32,
        /// Its group's number.
        gid: u32,
    },
}

impl User {
    fn choose() -> Result<Self, ClusterError> {
        if !process::is_root() {
            return Ok(Self::Caller);
        }
        ["postgres", "nobody"].into_iter().find_map(Self::named).ok_or_else(|| {
            let missing = "neither `postgres` nor `nobody` exists".to_owned();
            ClusterError::Program("dropping the administrator's rights", missing)
        })
    }

    fn named(name: &str) -> Option<Self> {
        Some(Self::Unprivileged {
            uid: number(&process::output_of("id", &["-u", name])?)?,
            gid: number(&process::output_of("id", &["-g", name])?)?,
        })
    }

    /// A command of `program` as this user, in a folder that anyone may enter, in English, and without variables for other
    /// clusters.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C");
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        if let Self::Unprivileged { uid, gid } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Whether this user can get into `folder`.
    fn can_enter(&self, folder: &Path) -> bool {
        self.command("sh")
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(folder)
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Makes `path` and all that is in it this user's.
    fn take_over(&self, path: &Path) -> Result<(), ClusterError> {
        let Self::Unprivileged { uid, gid } = self else {
            return Ok(());
        };
        let status = Command::new("chown")
            .args(["-R", "-h", &format!("{uid}:{gid}")])
            .arg(path)
            .status()
            .map_err(ClusterError::while_doing("run chown"))?;
        if status.success() { Ok(()) } else { Err(ClusterError::NotOurs(path.to_owned())) }
    }
}

// Some systems print `nobody` as -2: the same bits.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| {
        let negative: i32 = text.parse().ok()?;
        Some(negative.cast_unsigned())
    })
}

// The folder a cluster lives in: where PostgreSQL's user can reach it, and one owner at a time.

/// Creates `wanted`, or its stand-in in the temporary folder when `user` cannot get there, for
/// example into a checkout below the administrator's closed home.
fn reachable(wanted: &Path, user: &User) -> Result<PathBuf, ClusterError> {
    let failed = |path: &Path| ClusterError::while_doing(format!("create {}", path.display()));
    let wanted = absolute(wanted).map_err(failed(wanted))?;
    fs::create_dir_all(&wanted).map_err(failed(&wanted))?;
    // Its own rights are ours to set; those of the folders above are not.
    let above = wanted.parent().unwrap_or(&wanted);
    if *user == User::Caller || user.can_enter(above) {
        return Ok(wanted);
    }
    let open = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()]
        .into_iter()
        .find(|folder| user.can_enter(folder))
        .ok_or_else(|| ClusterError::NotOurs(wanted.clone()))?;
    let stand_in = open.join(stand_in_name(&wanted));
    create_in_public(&stand_in, user)?;
    Ok(stand_in)
}

fn stand_in_name(wanted: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    wanted.hash(&mut hasher);
    format!("messaging-postgres-{:016x}", hasher.finish())
}

// Anybody can create anything there, so what exists must be a folder that only we or PostgreSQL's user could make.
fn create_in_public(folder: &Path, user: &User) -> Result<(), ClusterError> {
    match fs::DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let doing = format!("create {}", folder.display());
            return Err(ClusterError::System(doing, error));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(folder)
        .map_err(ClusterError::while_doing(format!("look at {}", folder.display())))?;
    let trusted = match user {
        User::Caller => true,
        User::Unprivileged { uid, .. } => found.uid() == 0 || found.uid() == *uid,
    };
    if found.is_dir() && trusted { Ok(()) } else { Err(ClusterError::NotOurs(folder.to_owned())) }
}

/// Locks `directory` for as long as the file is open. The lock is beside the directory, since an ephemeral one is removed
/// while it is locked.
fn lock(directory: &Path) -> Result<File, ClusterError> {
    let doing = || ClusterError::while_doing(format!("lock {}", directory.display()));
    if let Some(above) = directory.parent() {
        fs::create_dir_all(above).map_err(doing())?;
    }
    let file = File::create(directory.with_extension("lock")).map_err(doing())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ClusterError::Busy(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(doing()(error)),
    }
}

/// Removes a folder with all that is in it, or a file. Fine when there is none.
fn remove(path: &Path) -> Result<(), ClusterError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let doing = format!("remove {}", path.display());
            Err(ClusterError::System(doing, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod user_tests {
    use super::*;

    #[test]
    fn user_numbers_may_be_printed_as_negative() {
        assert_eq!(number("65534"), Some(65534));
        assert_eq!(number("-2"), Some(4_294_967_294));
        assert_eq!(number("postgres"), None);
    }

    #[test]
    fn postgres_is_never_run_by_the_administrator() {
        let user = User::choose().expect("a user");
        let output = user.command("id").arg("-u").output().expect("an answer");
        assert_ne!(String::from_utf8_lossy(&output.stdout).trim(), "0");
    }

    #[test]
    fn anyone_enters_the_root_and_nobody_what_is_not_there() {
        let user = User::choose().expect("a user");
        assert!(user.can_enter(Path::new("/")));
        assert!(!user.can_enter(Path::new("/there is no such folder")));
    }
}

#[cfg(test)]
mod place_tests {
    use super::*;

    #[test]
    fn each_project_has_its_own_stand_in() {
        let [one, other] = ["/a/target", "/b/target"].map(|path| stand_in_name(Path::new(path)));
        assert_ne!(one, other);
        assert_eq!(one, stand_in_name(Path::new("/a/target")));
    }

    #[test]
    fn a_link_left_in_the_way_is_not_followed() {
        let user = User::choose().expect("a user");
        let link = env::temp_dir().join(format!("place-test-{}", std::process::id()));
        std::os::unix::fs::symlink("/etc", &link).expect("a link");
        let refused = create_in_public(&link, &user);
        fs::remove_file(&link).expect("ours");
        assert!(matches!(refused, Err(ClusterError::NotOurs(_))));
    }
}
