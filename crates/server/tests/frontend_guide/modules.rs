//! The modules of the guide in Node.js, for what takes long to provoke in a browser.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::json;
use testkit::{
    Fault, clients, database,
    person::{self, Person},
    test_app::TestApp,
    wait,
};
use tokio::process::Command;

use crate::{SERVER, guide};

/// How long the token lasts that ends under a socket, in seconds.
const ENDING_S: i64 = 4;
/// Longer than any token here lasts: everyone is told at once that theirs ends.
const NOTICE_MS: &str = "3600000";

/// The guide's files in a folder of their own, beside the library. Gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn fill() -> Result<Self, Fault> {
        let folder = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(database::id("guide")));
        folder.write().map_err(Fault::while_doing("write down the guide's files"))?;
        for (name, text) in guide::files()? {
            let written = fs::write(folder.0.join(name), text);
            written.map_err(Fault::while_doing("write down the guide's files"))?;
        }
        Ok(folder)
    }

    fn write(&self) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        fs::write(self.0.join("package.json"), r#"{ "type": "module" }"#)?;
        symlink(clients::folder().join("node_modules"), self.0.join("node_modules"))
    }

    /// Runs a script of ours on them; it must succeed.
    async fn run(&self, script: &str, settings: &[(&str, String)]) -> Result<(), Fault> {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frontend_guide");
        let node = Command::new("node")
            .arg(ours.join(script))
            .env("GUIDE", &self.0)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .kill_on_drop(true)
            .output();
        let ran = wait::within(script, node).await?;
        let Output { status, stdout, stderr } = ran.map_err(Fault::while_doing("run node"))?;
        let said = [stdout, stderr].concat();
        assert!(status.success(), "{script}: {}", String::from_utf8_lossy(&said));
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it does no harm, and there is nobody to tell.
        fs::remove_dir_all(&self.0).ok();
    }
}

#[tokio::test]
async fn the_outbox_sends_again_gives_back_and_survives_the_page() -> Result<(), Fault> {
    Folder::fill()?.run("outbox.mjs", &[]).await
}

#[tokio::test]
async fn a_conversation_joins_again_and_reads_what_was_shown_only() -> Result<(), Fault> {
    Folder::fill()?.run("conversation.mjs", &[]).await
}

#[tokio::test]
async fn the_way_in_brings_a_fresh_token_whenever_one_is_due() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &[("REALTIME_EXPIRY_NOTICE_MS", NOTICE_MS)]).await?;
    let client = Person::client("client-1", "Camille", "Martin");
    let lasting = |seconds| person::mint(app.server.secret(), &client, seconds);
    let script = json!({
        "url": app.server.url(),
        "lasting": lasting(2 * 3_600)?,
        "ending": lasting(ENDING_S)?,
        "endingAfterMs": (ENDING_S + 1) * 1_000,
        "ended": lasting(0)?,
    });
    Folder::fill()?.run("connect.mjs", &[("SCRIPT", script.to_string())]).await
}
