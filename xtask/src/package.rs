//! Programs that the system's package manager installs.
#![expect(clippy::print_stderr, reason = "an installation must not be silent")]

use std::{io, process::Command};

use crate::process;

/// A way to install something: calls, one after the other. All of them need the administrator.
pub type Installer = &'static [&'static [&'static str]];

/// Has `what` installed by the first of these that this machine has, if we are the administrator. Whether that
/// worked is for the caller to ask.
pub fn install(what: &str, installers: &[Installer]) {
    if !process::is_root() {
        return;
    }
    let installer = installers.iter().find(|calls| process::find(calls[0][0]).is_some());
    for call in installer.into_iter().copied().flatten() {
        eprintln!("{what} is missing; installing it: {}", call.join(" "));
        run(call);
    }
}

// A stale package list need not prevent the installation, so a failure is told and no more.
fn run(call: &[&str]) {
    let status = Command::new(call[0])
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

    #[test]
    fn the_first_installer_that_is_there_is_called_in_full() {
        let folder = env::temp_dir().join(format!("package-test-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let note = folder.join("note");
        let touch: &'static str = String::leak(note.to_string_lossy().into_owned());
        let absent: Installer = &[&["no-such-package-manager"]];
        let fails_then_works: Installer = vec![&["false"][..], vec!["touch", touch].leak()].leak();
        install("A test", &[absent, fails_then_works]);
        let was_called = note.exists();
        fs::remove_dir_all(&folder).expect("ours");
        assert_eq!(was_called, process::is_root());
    }
}
