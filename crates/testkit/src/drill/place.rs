//! Where the service runs: a server with its database, its files and its log.

use std::path::PathBuf;

use super::{Plan, answers::Answers};
use crate::{
    Fault,
    appointment::booking_service,
    database::Database,
    operator::Operator,
    person::Person,
    server::{Launch, Server},
    stage::Stage,
    traces, wait,
};

/// Mail about new messages leaves at once, about further ones an hour later.
const SETTINGS: [(&str, &str); 4] = [
    ("MAIL_FROM", "noreply@mail.example.org"),
    ("MAIL_DELAY_MS", "0"),
    ("JOBS_POLL_INTERVAL_MS", "20"),
    ("LOG_LEVEL", "trace"),
];
/// Links that were made in one place are good in the other.
const SECRET: &str = "the-secret-of-a-drill-which-is-long-enough";
/// What is to be done now or soon, given up jobs not counted.
const TO_DO: &str = "
SELECT (SELECT count(*) FROM messaging.job
        WHERE dead_at IS NULL AND run_at < now() + interval '10 minutes')
    + (SELECT count(*) FROM messaging.pending_mail WHERE wait_until IS NULL)
    + (SELECT count(*) FROM messaging.appointment_event
        WHERE handled_at IS NULL AND rejected_at IS NULL)";

/// A running service.
pub(super) struct Place {
    pub(super) stage: Stage,
    pub(super) operator: Operator,
    pub(super) files: PathBuf,
}

impl Place {
    /// Starts the server on this database and the files of the place, with or without jobs.
    pub(super) async fn open(
        plan: &Plan,
        name: &str,
        database: Database,
        mail: &str,
        jobs: bool,
    ) -> Result<Self, Fault> {
        let files = Self::files_in(plan, name);
        let folder = files.to_str().ok_or_else(|| Fault::new("a folder with an odd name"))?;
        let log = plan.folder.join(format!("{name}.log"));
        let mut launch = Launch::new(&plan.server, &database.url(), log)
            .with("FILES_FOLDER", folder)
            .with("MAIL_SMTP_URL", mail)
            .with("JOBS_RUN", if jobs { "on" } else { "off" });
        for (name, value) in SETTINGS {
            launch = launch.with(name, value);
        }
        SECRET.clone_into(&mut launch.secret);
        let operator = Self::operator(plan, &database);
        let stage = Stage { server: Server::start(launch).await?, database };
        Ok(Self { stage, operator, files })
    }

    /// Where the files of a place are.
    pub(super) fn files_in(plan: &Plan, name: &str) -> PathBuf {
        plan.folder.join(format!("files-{name}"))
    }

    /// Whoever looks after a database.
    pub(super) fn operator(plan: &Plan, database: &Database) -> Operator {
        Operator::new(&plan.server, &database.url())
    }

    pub(super) fn url(&self) -> String {
        self.stage.database.url()
    }

    /// Waits until nothing is left to do.
    pub(super) async fn quiet(&self) -> Result<(), Fault> {
        let client = self.stage.database.client().await?;
        wait::until("nothing left to do", async || {
            let row = client.query_one(TO_DO, &[]).await;
            let row = row.map_err(Fault::while_doing("count what is to be done"))?;
            Ok((row.get::<_, i64>(0) == 0).then_some(()))
        })
        .await
    }

    /// Waits until a person is forgotten, and everything that this brings about is done.
    pub(super) async fn forgotten(&self, person: &str) -> Result<(), Fault> {
        let service = self.stage.rest(&booking_service())?;
        let path = format!("/internal/erasures/{person}");
        wait::until("the end of an erasure", async || {
            let receipt = service.get(&path).await?.expect(200)?;
            Ok(receipt["finishedAt"].is_string().then_some(()))
        })
        .await?;
        self.quiet().await
    }

    /// What these people are answered, behind their ids.
    pub(super) async fn answers(
        &self,
        people: impl Iterator<Item = &Person>,
    ) -> Result<Vec<(String, Answers)>, Fault> {
        let mut all = Vec::new();
        for person in people {
            all.push((person.id.clone(), Answers::to(&self.stage.rest(person)?).await?));
        }
        Ok(all)
    }

    /// Where a word stands: columns, files, and the log.
    pub(super) async fn traces(&self, word: &str) -> Result<Vec<String>, Fault> {
        let mut found = traces::in_folder(&self.files, word.as_bytes())?;
        found.extend(traces::in_database(&self.url(), word).await?);
        let log = self.stage.server.log()?;
        let line = log.lines().find(|line| traces::holds(line.as_bytes(), word.as_bytes()));
        found.extend(line.map(str::to_owned));
        Ok(found)
    }
}
