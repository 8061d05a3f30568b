//! `cargo xtask notices`: the licences of all dependencies of the server in one file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;
use xtask::workspace;

use crate::{
    failure::{Failure, no_arguments},
    run,
};

/// The platform that packages are made for, so that the file is the same wherever it is written.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";
/// The file.
const FILE: &str = "docs/third-party-notices.txt";
/// The beginnings of the names of licence files.
const LICENCE_FILES: &[&str] = &["license", "licence", "copying", "notice", "unlicense"];

/// Writes the file.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    fs::write(workspace::root().join(FILE), gather()?)
        .map_err(Failure::while_doing(format!("write {FILE}")))
}

/// Fails when the file is older than the dependencies.
pub(crate) fn check() -> Result<(), Failure> {
    let written = fs::read_to_string(workspace::root().join(FILE))
        .map_err(Failure::while_doing(format!("read {FILE}")))?;
    if written == gather()? {
        return Ok(());
    }
    Err(Failure::Other(format!(
        "{FILE} does not match the dependencies of the server: run `cargo xtask notices`"
    )))
}

fn gather() -> Result<String, Failure> {
    let mut tree = workspace::cargo(["tree", "--locked", "-p", "server", "-e", "normal"]);
    let tree = run::output(tree.args(["--target", PLATFORM, "--prefix", "none", "-f", "{p}"]))?;
    let used: BTreeSet<(String, String)> = tree.lines().filter_map(package).collect();
    let metadata =
        run::output(&mut workspace::cargo(["metadata", "--locked", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&metadata)
        .map_err(|_| Failure::Other("cargo metadata printed something that is not JSON".into()))?;
    let mut packages = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let package = Package::read(package);
        // Without a source it is one of ours.
        packages.extend(
            package.filter(|it| {
                it.is_foreign && used.contains(&(it.name.clone(), it.version.clone()))
            }),
        );
    }
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    print(&packages).map_err(Failure::while_doing("read the licences"))
}

// `serde v1.0.229 (proc-macro) (*)`.
fn package(line: &str) -> Option<(String, String)> {
    let mut words = line.split(' ');
    Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
}

struct Package {
    name: String,
    version: String,
    licence: String,
    folder: PathBuf,
    is_foreign: bool,
}

impl Package {
    fn read(package: &Value) -> Option<Self> {
        let text = |name: &str| package[name].as_str().map(str::to_owned);
        Some(Self {
            name: text("name")?,
            version: text("version")?,
            licence: text("license").unwrap_or_else(|| "see its text".into()),
            folder: Path::new(package["manifest_path"].as_str()?).parent()?.to_owned(),
            is_foreign: package["source"].is_string(),
        })
    }

    // Where one may choose, the text of MIT: it is the shortest.
    fn texts(&self) -> io::Result<Vec<String>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            if path.is_file() && LICENCE_FILES.iter().any(|start| name.starts_with(start)) {
                files.push((name, path));
            }
        }
        files.sort();
        let is_mit = |name: &str| name.contains("mit");
        if self.licence.split(" OR ").any(|one| one == "MIT")
            && files.iter().any(|(name, _)| is_mit(name))
        {
            files.retain(|(name, _)| is_mit(name) || name.starts_with("notice"));
        }
        let text = |(_, path): &(String, PathBuf)| {
            Ok(String::from_utf8_lossy(&fs::read(path)?).replace("\r\n", "\n").trim().to_owned())
        };
        files.iter().map(text).collect()
    }
}

fn print(packages: &[Package]) -> io::Result<String> {
    let mut printed =
        String::from("The messaging server is made of these packages, under these licences.\n\n");
    let mut holders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let called = format!("{} {}", package.name, package.version);
        writeln!(printed, "{called}: {}", package.licence).map_err(io::Error::other)?;
        for text in package.texts()? {
            holders.entry(text).or_default().push(called.clone());
        }
    }
    let mut texts: Vec<_> = holders.into_iter().map(|(text, of)| (of, text)).collect();
    texts.sort();
    for (of, text) in texts {
        write!(printed, "\n{}\n{}\n\n{text}\n", "-".repeat(100), of.join(", "))
            .map_err(io::Error::other)?;
    }
    Ok(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_tree_names_a_package_and_its_version() {
        let expected = ("serde".to_owned(), "1.0.229".to_owned());
        assert_eq!(package("serde v1.0.229 (*)"), Some(expected));
        assert_eq!(package(""), None);
    }

    #[test]
    fn where_one_may_choose_the_text_of_mit_is_taken_and_equal_texts_stand_once() {
        let folder = tempfile::tempdir().expect("a folder");
        for (file, text) in
            [("LICENSE-MIT", "mit\r\n"), ("LICENSE-APACHE", "apache"), ("src.rs", "code")]
        {
            fs::write(folder.path().join(file), text).expect("written");
        }
        let of = |name: &str| Package {
            name: name.into(),
            version: "1.0.0".into(),
            licence: "MIT OR Apache-2.0".into(),
            folder: folder.path().to_owned(),
            is_foreign: true,
        };
        let printed = print(&[of("a"), of("b")]).expect("readable");
        assert!(printed.contains("\na 1.0.0: MIT OR Apache-2.0\n"));
        assert!(printed.ends_with("\na 1.0.0, b 1.0.0\n\nmit\n"), "{printed}");
    }
}
