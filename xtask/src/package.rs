//! Programs that the system's package manager installs.
#![expect(clippy::print_stderr, reason = "an installation must not be silent")]

use std::{fmt, io, process::Command};

use crate::process;

/// A program that we need, and the packages that contain it, separated by spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// What is needed, as people call it: "Node.js 18 or newer with npm".
    pub name: &'static str,
    /// On Debian and Ubuntu.
    pub debian: &'static str,
    /// On Fedora and its relatives.
    pub fedora: &'static str,
    /// On Alpine.
    pub alpine: &'static str,
    /// On Arch.
    pub arch: &'static str,
    /// With Homebrew on macOS, where we install nothing ourselves. `None` when there is no such package.
    pub homebrew: Option<&'static str>,
}

impl Package {
    /// What `find` finds. When that is nothing and we are the system's administrator, installs the package and
    /// looks again.
    ///
    /// # Errors
    /// [`Missing`], whose text says what to install by hand.
    pub fn require<T>(&'static self, find: impl FnMut() -> Option<T>) -> Result<T, Missing> {
        self.require_with(&self.installers(), find)
    }

    fn require_with<T>(
        &'static self,
        installers: &[Installer],
        mut find: impl FnMut() -> Option<T>,
    ) -> Result<T, Missing> {
        if let Some(found) = find() {
            return Ok(found);
        }
        install(self.name, installers);
        find().ok_or(Missing(self))
    }

    // The ways to install it. The first one whose program this machine has is taken.
    fn installers(&self) -> [Installer; 4] {
        let call = |start: &str, packages: &str| {
            start.split(' ').chain(packages.split(' ')).map(str::to_owned).collect()
        };
        [
            vec![
                call("apt-get", "update -qq"),
                call("apt-get install -y -qq --no-install-recommends", self.debian),
            ],
            vec![call("dnf install -y -q", self.fedora)],
            vec![call("apk add --quiet", self.alpine)],
            vec![call("pacman -Sy --noconfirm", self.arch)],
        ]
    }
}

/// A program is missing, and we may not or cannot install it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing(&'static Package);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Package { name, debian, fedora, alpine, arch, homebrew } = self.0;
        writeln!(f, "{name} is needed. Install it, then run this again:")?;
        writeln!(f, "  Debian, Ubuntu  sudo apt-get install {debian}")?;
        writeln!(f, "  Fedora, RHEL    sudo dnf install {fedora}")?;
        writeln!(f, "  Alpine          sudo apk add {alpine}")?;
        write!(f, "  Arch            sudo pacman -S {arch}")?;
        homebrew.map_or(Ok(()), |it| write!(f, "\n  macOS           brew install {it}"))
    }
}

impl std::error::Error for Missing {}

/// A way to install something: calls, one after the other. All of them need the administrator.
type Installer = Vec<Vec<String>>;

/// Has `name` installed by the first of these that this machine has, if we are the administrator.
fn install(name: &str, installers: &[Installer]) {
    if !process::is_root() {
        return;
    }
    let installer = installers.iter().find(|calls| process::find(&calls[0][0]).is_some());
    for call in installer.into_iter().flatten() {
        eprintln!("{name} is missing; installing it: {}", call.join(" "));
        run(call);
    }
}

// A stale package list need not prevent the installation, so a failure is told and no more.
fn run(call: &[String]) {
    let status = Command::new(&call[0])
        .args(&call[1..])
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Our own output may be read by a program.
        .stdout(io::stderr())
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => eprintln!("{} ended with {status}", call[0]),
        Err(error) => eprintln!("{} could not be started: {error}", call[0]),
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    const PACKAGE: Package = Package {
        name: "A test",
        debian: "one two",
        fedora: "three",
        alpine: "four",
        arch: "five",
        homebrew: Some("six"),
    };

    fn call(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_first_installer_that_is_there_is_called_in_full() {
        let folder = env::temp_dir().join(format!("package-test-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let note = folder.join("note");
        let absent = vec![call(&["no-such-package-manager"])];
        let fails_then_works = vec![call(&["false"]), call(&["touch", &note.to_string_lossy()])];
        let find = || note.exists().then_some(());
        let found = PACKAGE.require_with(&[absent, fails_then_works], find);
        fs::remove_dir_all(&folder).expect("ours");
        assert_eq!(found.is_ok(), process::is_root());
    }

    #[test]
    fn what_is_there_is_not_installed() {
        let found = PACKAGE.require_with(&[vec![call(&["false"])]], || Some(7));
        assert_eq!(found, Ok(7));
    }

    #[test]
    fn every_package_is_named_in_the_call_and_in_the_advice() {
        let [apt, _, _, _] = PACKAGE.installers();
        assert_eq!(apt[0].join(" "), "apt-get update -qq");
        let install = "apt-get install -y -qq --no-install-recommends one two";
        assert_eq!(apt[1].join(" "), install);
        let advice = Missing(&PACKAGE).to_string();
        for packages in ["install one two\n", "dnf install three\n", "four\n", "five\n", "six"] {
            assert!(advice.contains(packages), "{advice}");
        }
    }
}
