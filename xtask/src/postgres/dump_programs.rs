//! The programs that save a database and bring it back. PostgreSQL's packages have them; what npm
//! brings has not.

use std::{env, path::PathBuf, process::Command};

use super::{ClusterError, binaries::Binaries, user::User};

const DUMP: &str = "pg_dump";
const RESTORE: &str = "pg_restore";

/// `pg_dump` and `pg_restore`, beside the PostgreSQL that clusters are started from here.
#[derive(Clone, Debug)]
pub struct DumpPrograms {
    folder: PathBuf,
    major: u32,
}

impl DumpPrograms {
    /// Looks for them where [`Cluster`](super::Cluster) takes its programs from, which may fetch
    /// those. `None` when they are not among them.
    ///
    /// # Errors
    /// When there is no PostgreSQL at all.
    pub fn find() -> Result<Option<Self>, ClusterError> {
        let user = User::choose()?;
        Ok(Self::beside(&Binaries::find(&user)?))
    }

    fn beside(binaries: &Binaries) -> Option<Self> {
        let folder = binaries.folder();
        let are_there = [DUMP, RESTORE].iter().all(|name| folder.join(name).is_file());
        are_there.then_some(Self { folder, major: binaries.major })
    }

    /// Their major version. They know servers of that one and of older ones.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// A call of `pg_dump`.
    pub fn dump(&self) -> Command {
        self.command(DUMP)
    }

    /// A call of `pg_restore`.
    pub fn restore(&self) -> Command {
        self.command(RESTORE)
    }

    // Deaf to settings meant for other clusters, and in English.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join(name));
        command.env("LC_ALL", "C");
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_can_be_called() {
        // What npm brings has no such programs, and that is an answer too.
        let Some(programs) = DumpPrograms::find().expect("a PostgreSQL") else { return };
        for mut call in [programs.dump(), programs.restore()] {
            let said = call.arg("--version").output().expect("an answer").stdout;
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(said.contains(&programs.major().to_string()), "{said}");
        }
    }
}
