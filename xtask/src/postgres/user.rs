//! Who runs PostgreSQL: it refuses to be run by the administrator.

use std::{env, ffi::OsStr, os::unix::process::CommandExt, path::Path, process::Command};

use super::ClusterError;
use crate::process;

/// The user PostgreSQL runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum User {
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
    pub(super) fn choose() -> Result<Self, ClusterError> {
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

    /// A call of `program` as this user, from a folder anyone may enter, in English, and deaf to
    /// settings meant for other clusters.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
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
    pub(super) fn can_enter(&self, folder: &Path) -> bool {
        self.command("sh")
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(folder)
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Makes `path` and all that is in it this user's.
    pub(super) fn take_over(&self, path: &Path) -> Result<(), ClusterError> {
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

#[cfg(test)]
mod tests {
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
