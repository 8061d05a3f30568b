//! Exports: requested, written, downloaded, unpacked, checked, and deleted.

mod access;
mod archive;
mod life;
mod page;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use testkit::{
    Fault,
    journey::{Target, run},
    rest::{FormFile, Rest},
    test_app::{TestApp, text},
    wait,
};

pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
pub(crate) const EXPORT: &str = "/messaging/me/export";
/// So that a test need not wait for a job.
const EAGER: [(&str, &str); 1] = [("JOBS_POLL_INTERVAL_MS", "20")];

/// The two people of the demonstration, after the conversation that it plays.
pub(crate) struct Fixture {
    pub(crate) app: TestApp,
    pub(crate) salon: Rest,
    pub(crate) client: Rest,
    pub(crate) service: Rest,
    /// The one that the demonstration opens.
    pub(crate) conversation: String,
}

impl Fixture {
    pub(crate) async fn start() -> Result<Self, Fault> {
        let app = TestApp::start_with(SERVER, &EAGER).await?;
        let demo = demonstration(&app)?;
        let token = |who: &str| text(&demo[who], "token");
        let target = Target {
            url: app.server.url(),
            salon_token: token("salon")?,
            client_token: token("client")?,
            service_token: token("service")?,
        };
        run(&target, &mut io::sink()).await?;
        let who = |token: &str| app.anonymous().with_token(token);
        let (salon, client) = (who(&target.salon_token), who(&target.client_token));
        let service = who(&target.service_token);
        let conversation = text(&demo["conversation"], "id")?;
        Ok(Self { app, salon, client, service, conversation })
    }

    /// Somebody says something in the first conversation.
    pub(crate) async fn say(&self, who: &Rest, words: &str) -> Result<Value, Fault> {
        self.send(who, &json!({ "content": words })).await
    }

    /// Somebody sends a photo there, with words.
    pub(crate) async fn show(&self, who: &Rest, words: &str) -> Result<Value, Fault> {
        let bytes = media::testing::phone_photo();
        let file =
            FormFile { name: "Bras – croquis.jpg", media_type: "image/jpeg", bytes: &bytes };
        let upload = file.post(who, "/messaging/attachments").await?.expect(201)?;
        let attachments = json!([{ "attachmentId": text(&upload, "id")? }]);
        self.send(who, &json!({ "content": words, "attachments": attachments })).await
    }

    async fn send(&self, who: &Rest, message: &Value) -> Result<Value, Fault> {
        let path = format!("/messaging/conversations/{}/messages", self.conversation);
        who.post(&path, message).await?.expect(201)
    }

    /// The archives that are kept.
    pub(crate) fn archives(&self) -> Result<Vec<PathBuf>, Fault> {
        self.kept("archive")
    }

    /// Every kept file of this name.
    pub(crate) fn kept(&self, name: &str) -> Result<Vec<PathBuf>, Fault> {
        let mut found = Vec::new();
        named_below(&self.app.server.files(), name, &mut found)
            .map_err(Fault::while_doing("look at the folder for files"))?;
        Ok(found)
    }
}

/// Asks for somebody's data until there is a link to them.
pub(crate) async fn ready(who: &Rest) -> Result<Value, Fault> {
    wait::until("an archive", async || {
        let asked = who.get(EXPORT).await?;
        let is_ready = asked.status == 200;
        if !is_ready {
            asked.expect(202)?;
            return Ok(None);
        }
        Ok(Some(asked.body))
    })
    .await
}

/// What `messaging-server demo` prints.
fn demonstration(app: &TestApp) -> Result<Value, Fault> {
    let printed = Command::new(SERVER)
        .arg("demo")
        .env_clear()
        .env("DATABASE_URL", app.database.url())
        .env("JWT_SECRET", app.server.secret())
        .env("NODE_ENV", "development")
        .output()
        .map_err(Fault::while_doing("enter the demonstration"))?;
    serde_json::from_slice(&printed.stdout).map_err(Fault::while_doing("read the demonstration"))
}

fn named_below(folder: &Path, name: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            named_below(&path, name, found)?;
        } else if path.file_name().is_some_and(|file| file == name) {
            found.push(path);
        }
    }
    Ok(())
}
