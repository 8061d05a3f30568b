//! Where the service keeps what it keeps, and looks into all of it.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::json;
use testkit::{
    Fault,
    appointment::{booking_service, register},
    backup::{as_text, files_below},
    database::Database,
    server::{Launch, Server},
    smtp::MailServer,
    stage::{Stage, log_of_this_test},
    traces, wait,
};

use crate::{SERVER, reply};

/// Where the salon's mail server has no room, so that mail to it is under way all the time.
const FULL: &str = "full@salon.example";
/// Mail leaves at once and is tried again soon; the log tells all that it ever can.
const SETTINGS: [(&str, &str); 12] = [
    ("MAIL_FROM", "noreply@mail.example.org"),
    ("MAIL_REPLY_TO", "reply@mail.example.org"),
    ("MAILGUN_WEBHOOK_SIGNING_KEY", reply::KEY),
    ("MAIL_DELAY_MS", "0"),
    ("MAIL_PAUSE_MS", "0"),
    // What was under way when a backup was made is taken up again when its lease has run out.
    ("JOBS_LEASE_MS", "5000"),
    ("MAIL_DELIVERY_TIMEOUT_MS", "4000"),
    ("JOBS_POLL_INTERVAL_MS", "20"),
    ("JOBS_FIRST_RETRY_MS", "20"),
    ("JOBS_LONGEST_RETRY_MS", "1000"),
    ("JOBS_ATTEMPTS_MAX", "100"),
    ("LOG_LEVEL", "trace"),
];
/// Links that were made before a restore are good after it.
const SECRET: &str = "the-secret-of-a-house-which-is-long-enough";

/// A server, its database, its files and its mail.
pub(crate) struct House {
    pub(crate) stage: Stage,
    pub(crate) files: PathBuf,
    pub(crate) post: MailServer,
}

impl House {
    /// A server on this database, with the files that are in the folder of this name.
    pub(crate) async fn open(name: &str, database: Database) -> Result<Self, Fault> {
        let post = MailServer::start().await?;
        let files = Self::folder(name);
        let folder = files.to_str().ok_or_else(|| Fault::new("a folder with an odd name"))?;
        let log = log_of_this_test().with_extension(format!("{name}.log"));
        let mut launch = Launch::new(SERVER, &database.url(), log)
            .with("FILES_FOLDER", folder)
            .with("MAIL_SMTP_URL", &post.url());
        for (name, value) in SETTINGS {
            launch = launch.with(name, value);
        }
        SECRET.clone_into(&mut launch.secret);
        let stage = Stage { server: Server::start(launch).await?, database };
        Ok(Self { stage, files, post })
    }

    /// The folder for files of the house with this name.
    pub(crate) fn folder(name: &str) -> PathBuf {
        log_of_this_test().with_extension(format!("{name}.kept"))
    }

    /// The salon gets no mail any more, or gets it again.
    pub(crate) async fn salon_mail(&self, is_full: bool) -> Result<(), Fault> {
        let address = if is_full { FULL } else { "salon-1@example.org" };
        let entry = json!({ "role": "user_salon", "salonName": "Encre Noire", "email": address });
        register(&self.stage, "salon-1", &entry).await
    }

    /// Waits until there are such rows.
    pub(crate) async fn some(&self, what: &str, rows: &str) -> Result<(), Fault> {
        self.until(what, rows, true).await
    }

    /// Waits until there are no such rows.
    async fn none(&self, what: &str, rows: &str) -> Result<(), Fault> {
        self.until(what, rows, false).await
    }

    async fn until(&self, what: &str, rows: &str, are_there: bool) -> Result<(), Fault> {
        let client = self.stage.database.client().await?;
        let sql = format!("SELECT EXISTS (SELECT FROM messaging.{rows})");
        wait::until(what, async || {
            let row = client.query_one(&sql, &[]).await;
            let row = row.map_err(Fault::while_doing(format!("look for {what}")))?;
            Ok((row.get::<_, bool>(0) == are_there).then_some(()))
        })
        .await
    }

    /// Waits until somebody is forgotten, and nothing is left to do.
    pub(crate) async fn forgotten(&self, person: &str) -> Result<(), Fault> {
        let service = self.stage.rest(&booking_service())?;
        let path = format!("/internal/erasures/{person}");
        wait::until("the end of an erasure", async || {
            let receipt = service.get(&path).await?.expect(200)?;
            Ok(receipt["finishedAt"].is_string().then_some(()))
        })
        .await?;
        self.salon_mail(false).await?;
        let soon = "job WHERE dead_at IS NULL AND run_at < now() + interval '10 minutes'";
        self.none("nothing left to do", soon).await?;
        self.none("no mail waiting", "pending_mail").await
    }

    /// The columns in which a word stands.
    pub(crate) async fn columns(&self, word: &str) -> Result<BTreeSet<String>, Fault> {
        traces::in_database(&self.stage.database.url(), word).await
    }

    /// The names of all files.
    pub(crate) fn kept(&self) -> Result<BTreeSet<String>, Fault> {
        Ok(files_below(&self.files)?.into_keys().collect())
    }

    /// Whether a word stands in a dump for people to read. `None` where there is no `pg_dump`.
    pub(crate) async fn dump_holds(&self, word: &str) -> Result<Option<bool>, Fault> {
        let dump = as_text(&self.stage.database.url()).await?;
        Ok(dump.map(|dump| traces::holds(&dump, word.as_bytes())))
    }

    /// The first line of the log in which a word stands.
    pub(crate) fn logged(&self, word: &str) -> Result<Option<String>, Fault> {
        let log = self.stage.server.log()?;
        let mut lines = log.lines();
        let line = lines.find(|line| traces::holds(line.as_bytes(), word.as_bytes()));
        Ok(line.map(str::to_owned))
    }
}
