//! A server with everything that it stores, and ways to search all of it.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::json;
use testkit::{
    Fault,
    appointment::{booking_service, register},
    backup::{as_text, files_below},
    database::Database,
    leak_check,
    server::{Launch, Server},
    smtp::MailServer,
    test_app::{TestApp, log_of_this_test},
    wait,
};

use crate::{SERVER, reply};

/// An address whose mailbox is full, so that mail to the salon is retried all the time.
const FULL: &str = "full@salon.example";
/// Mail leaves at once and is retried soon; the log is at its most verbose level.
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
const SECRET: &str = "the-secret-of-a-test-which-is-long-enough";

/// A server, its database, its files and its mail.
pub(crate) struct Fixture {
    pub(crate) app: TestApp,
    pub(crate) files: PathBuf,
    pub(crate) mail_server: MailServer,
}

impl Fixture {
    /// A server on this database, with the files that are in the folder of this name.
    pub(crate) async fn start(name: &str, database: Database) -> Result<Self, Fault> {
        let mail_server = MailServer::start().await?;
        let files = Self::folder(name);
        let folder = files.to_str().ok_or_else(|| Fault::new("a folder with an odd name"))?;
        let log = log_of_this_test().with_extension(format!("{name}.log"));
        let mut launch = Launch::new(SERVER, &database.url(), log)
            .with("FILES_FOLDER", folder)
            .with("MAIL_SMTP_URL", &mail_server.url());
        for (name, value) in SETTINGS {
            launch = launch.with(name, value);
        }
        SECRET.clone_into(&mut launch.secret);
        let app = TestApp { server: Server::start(launch).await?, database };
        Ok(Self { app, files, mail_server })
    }

    /// The folder for files of the fixture with this name.
    pub(crate) fn folder(name: &str) -> PathBuf {
        log_of_this_test().with_extension(format!("{name}.kept"))
    }

    /// The salon gets no mail any more, or gets it again.
    pub(crate) async fn salon_mail(&self, is_full: bool) -> Result<(), Fault> {
        let address = if is_full { FULL } else { "salon-1@example.org" };
        let entry = json!({ "role": "user_salon", "salonName": "Encre Noire", "email": address });
        register(&self.app, "salon-1", &entry).await
    }

    /// Waits until there are such rows.
    pub(crate) async fn wait_for_rows(&self, what: &str, rows: &str) -> Result<(), Fault> {
        self.until(what, rows, true).await
    }

    /// Waits until there are no such rows.
    async fn wait_for_no_rows(&self, what: &str, rows: &str) -> Result<(), Fault> {
        self.until(what, rows, false).await
    }

    async fn until(&self, what: &str, rows: &str, are_there: bool) -> Result<(), Fault> {
        let client = self.app.database.client().await?;
        let sql = format!("SELECT EXISTS (SELECT FROM messaging.{rows})");
        wait::until(what, async || {
            let row = client.query_one(&sql, &[]).await;
            let row = row.map_err(Fault::while_doing(format!("look for {what}")))?;
            Ok((row.get::<_, bool>(0) == are_there).then_some(()))
        })
        .await
    }

    /// Waits until a person's erasure is finished, and no work is left.
    pub(crate) async fn wait_for_erasure(&self, person: &str) -> Result<(), Fault> {
        let service = self.app.rest(&booking_service())?;
        let path = format!("/internal/erasures/{person}");
        wait::until("the end of an erasure", async || {
            let receipt = service.get(&path).await?.expect(200)?;
            Ok(receipt["finishedAt"].is_string().then_some(()))
        })
        .await?;
        self.salon_mail(false).await?;
        let soon = "job WHERE dead_at IS NULL AND run_at < now() + interval '10 minutes'";
        self.wait_for_no_rows("nothing left to do", soon).await?;
        self.wait_for_no_rows("no mail waiting", "pending_mail").await
    }

    /// The columns in which a word stands.
    pub(crate) async fn columns_with(&self, word: &str) -> Result<BTreeSet<String>, Fault> {
        leak_check::columns_with(&self.app.database.url(), word).await
    }

    /// The names of all files.
    pub(crate) fn file_names(&self) -> Result<BTreeSet<String>, Fault> {
        Ok(files_below(&self.files)?.into_keys().collect())
    }

    /// Whether a word stands in a dump for people to read. `None` where there is no `pg_dump`.
    pub(crate) async fn dump_holds(&self, word: &str) -> Result<Option<bool>, Fault> {
        let dump = as_text(&self.app.database.url()).await?;
        Ok(dump.map(|dump| leak_check::contains(&dump, word.as_bytes())))
    }

    /// The first line of the log in which a word stands.
    pub(crate) fn log_line_with(&self, word: &str) -> Result<Option<String>, Fault> {
        let log = self.app.server.log()?;
        let mut lines = log.lines();
        let line = lines.find(|line| leak_check::contains(line.as_bytes(), word.as_bytes()));
        Ok(line.map(str::to_owned))
    }
}
