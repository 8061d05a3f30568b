//! Test programs. Compiled together, so that nothing is built twice with different features, and then run
//! one by one.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use xtask::workspace;

use crate::{failure::Failure, interrupt::Interrupt, run};

/// A compiled test program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binary {
    /// The package it tests.
    pub(super) package: String,
    /// Whether it stands in `tests/`, outside of what it tests.
    pub(super) is_outside: bool,
    target: String,
    program: PathBuf,
    folder: PathBuf,
}

/// Compiles all tests of the workspace.
pub(super) fn compile(stop: &Interrupt) -> Result<Vec<Binary>, Failure> {
    let mut binaries = Vec::new();
    let mut unread = 0_usize;
    let mut cargo = workspace::cargo(["test", "--workspace", "--no-run"]);
    cargo.arg("--message-format=json-render-diagnostics");
    run::by_line(&mut cargo, stop, |line| match serde_json::from_str(line) {
        Ok(message) => binaries.extend(Binary::read(&message)),
        Err(_) => unread += 1,
    })?;
    if unread > 0 {
        return Err(Failure::Other(format!("cargo printed {unread} messages that are not JSON")));
    }
    binaries.sort_by_key(Binary::title);
    Ok(binaries)
}

impl Binary {
    fn read(message: &Value) -> Option<Self> {
        let is_test = message["profile"]["test"] == Value::Bool(true);
        let program = message["executable"].as_str().filter(|_| is_test)?;
        let folder = Path::new(message["manifest_path"].as_str()?).parent()?;
        let kinds = message["target"]["kind"].as_array()?;
        Some(Self {
            package: package(message["package_id"].as_str()?)?.to_owned(),
            is_outside: kinds.contains(&Value::from("test")),
            target: message["target"]["name"].as_str()?.to_owned(),
            program: program.into(),
            folder: folder.to_owned(),
        })
    }

    /// Whose tests these are.
    pub(super) fn title(&self) -> String {
        let place = if self.is_outside { "/tests/" } else { ": " };
        format!("{}{place}{}", self.package, self.target)
    }

    /// A call of it, from where cargo would call it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }
}

// `path+file:///here/crates/api#0.1.0`, or `…/here/odd-folder#api@0.1.0` when the folder is called otherwise.
fn package(id: &str) -> Option<&str> {
    let (path, fragment) = id.rsplit_once('#')?;
    match fragment.split_once('@') {
        Some((name, _)) => Some(name),
        None => path.rsplit('/').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, is_test: bool) -> Value {
        let text = format!(
            r#"{{"reason":"compiler-artifact","package_id":"path+file:///w/crates/api#0.1.0",
            "manifest_path":"/w/crates/api/Cargo.toml","target":{{"kind":["{kind}"],"name":"wire"}},
            "profile":{{"test":{is_test}}},"executable":"/w/target/debug/deps/wire-1f"}}"#
        );
        serde_json::from_str(&text).expect("valid")
    }

    #[test]
    fn a_test_program_is_recognised() {
        let binary = Binary::read(&message("test", true)).expect("a test");
        assert_eq!(binary.title(), "api/tests/wire");
        assert_eq!(binary.folder, Path::new("/w/crates/api"));
        assert!(binary.is_outside);
    }

    #[test]
    fn a_librarys_own_tests_are_inside() {
        let binary = Binary::read(&message("lib", true)).expect("a test");
        assert!(!binary.is_outside);
    }

    #[test]
    fn what_is_built_but_tests_nothing_is_left_out() {
        assert_eq!(Binary::read(&message("bin", false)), None);
    }

    #[test]
    fn packages_are_named_either_way() {
        assert_eq!(package("path+file:///w/xtask#0.1.0"), Some("xtask"));
        assert_eq!(package("path+file:///w/x#testkit@0.1.0"), Some("testkit"));
    }
}
