//! The Python client library of Socket.IO, in an environment of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use xtask::{package::Package, process, workspace};

use crate::{failure::Failure, interrupt::Interrupt, run};

const PYTHON: Package = Package {
    name: "Python 3.10 or newer with venv",
    debian: "python3 python3-venv",
    fedora: "python3 python3-pip",
    alpine: "python3 py3-pip",
    arch: "python python-pip",
    homebrew: Some("python"),
};

/// Installs what `requirements.txt` pins, unless that is there already, and says which Python has it. Each archive
/// must match its sha256, or pip refuses it; and nothing is built, so no code of a package runs.
pub(super) fn install(stop: &Interrupt) -> Result<PathBuf, Failure> {
    let pinned = workspace::root().join("crates/server/tests/python-client/requirements.txt");
    let folder = workspace::target().join("python-client");
    let (program, stamp) = (folder.join("bin/python"), folder.join("requirements.txt"));
    if is_current(&pinned, &stamp) && program.is_file() {
        return Ok(program);
    }
    make_environment(&folder, stop)?;
    let mut pip = Command::new(&program);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--require-hashes", "--only-binary", ":all:", "--requirement"])
        .arg(&pinned);
    run::to_end(&mut pip, stop)?;
    let kept = fs::copy(&pinned, &stamp);
    kept.map_err(Failure::while_doing(format!("write {}", stamp.display())))?;
    Ok(program)
}

// What is installed is what the copy says that was made when it was.
fn is_current(pinned: &Path, stamp: &Path) -> bool {
    match (fs::read(pinned), fs::read(stamp)) {
        (Ok(wanted), Ok(installed)) => wanted == installed,
        _ => false,
    }
}

// Some systems have Python and not what makes environments; that shows only when one is made.
fn make_environment(folder: &Path, stop: &Interrupt) -> Result<(), Failure> {
    let make = || {
        let mut venv = Command::new(process::find("python3")?);
        match run::to_end(venv.args(["-m", "venv", "--clear"]).arg(folder), stop) {
            Err(Failure::Interrupted) => Some(Err(Failure::Interrupted)),
            made => made.ok().map(Ok),
        }
    };
    PYTHON.require(make)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_installed_for_another_list_is_not_current() {
        let folder = std::env::temp_dir().join(format!("python-client-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (pinned, stamp) = (folder.join("pinned"), folder.join("stamp"));
        fs::write(&pinned, "a==1").expect("a file");
        let never = is_current(&pinned, &stamp);
        fs::write(&stamp, "a==0").expect("a file");
        let before = is_current(&pinned, &stamp);
        fs::write(&stamp, "a==1").expect("a file");
        let after = is_current(&pinned, &stamp);
        fs::remove_dir_all(&folder).expect("ours");
        assert_eq!((never, before, after), (false, false, true));
    }
}
