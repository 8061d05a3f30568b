//! A browser without a window.

mod devtools;
mod tab;

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

use crate::{Fault, fresh, wait};
use devtools::Devtools;
pub use tab::Tab;

/// Nothing but the page: no window, no profile of somebody's, no calls home.
const OPTIONS: [&str; 15] = [
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
    // Of several windows all are in front.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

/// A running Chromium. Ends with this value, and with our own process; its profile goes too.
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
        Self::start(&[url])
    }

    /// Opens no page yet: [`tab`](Self::tab) does.
    ///
    /// # Errors
    /// When there is no Chromium.
    pub fn open() -> Result<Self, Fault> {
        Self::start(&["--remote-debugging-port=0", "about:blank"])
    }

    /// Opens a page for somebody who shares nothing with the other tabs.
    ///
    /// # Errors
    /// When this Chromium was not started with [`open`](Self::open), or the page does not open.
    pub async fn tab(&self, url: &str) -> Result<Tab, Fault> {
        let notice = self.profile.join("DevToolsActivePort");
        // Written when it listens: its port, and on a line of its own the way in.
        let notice = wait::until("Chromium's port", async || {
            let notice = fs::read_to_string(&notice).unwrap_or_default();
            Ok(notice.split_once('\n').map(|(port, way)| (port.to_owned(), way.to_owned())))
        });
        let (port, way) = notice.await?;
        let address = format!("ws://127.0.0.1:{port}");
        let browser = Devtools::open(&format!("{address}{way}")).await?;
        Tab::open(browser, &address, url).await
    }

    fn start(arguments: &[&str]) -> Result<Self, Fault> {
        let profile = workspace::target().join("testkit").join(fresh::id("chromium"));
        let child = Command::new("chromium")
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(arguments)
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
