//! A browser without a window.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use xtask::{
    leash::Leash,
    process::{Signal, send_to_group},
    workspace,
};

use crate::{Fault, fresh};

/// Nothing but the page: no window, no profile of somebody's, no calls home.
const OPTIONS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
];

/// Chromium on one page. Ends with this value, and with our own process; its profile goes too.
#[derive(Debug)]
pub struct Chromium {
    child: Child,
    profile: PathBuf,
    _leash: Leash,
}

impl Chromium {
    /// Opens a page.
    ///
    /// # Errors
    /// When there is no Chromium.
    pub fn visit(url: &str) -> Result<Self, Fault> {
        let profile = workspace::target().join("rig").join(fresh::id("chromium"));
        let child = Command::new("chromium")
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // One group with all its helpers, so that they end together.
            .process_group(0)
            .spawn()
            .map_err(Fault::while_doing("run chromium"))?;
        let leash = Leash::tie(child.id()).map_err(Fault::while_doing("watch over chromium"))?;
        Ok(Self { child, profile, _leash: leash })
    }

    fn end(&mut self) -> io::Result<()> {
        send_to_group(Signal::Kill, self.child.id())?;
        self.child.wait()?;
        fs::remove_dir_all(&self.profile)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // What is left of it does no harm, and there is nobody to tell.
        self.end().ok();
    }
}
