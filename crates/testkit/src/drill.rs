//! A backup drill: backs up a service, erases a person, restores the backup elsewhere, where the person
//! is back, and erases them again. Checks every guarantee and prints a transcript.

mod answers;
pub mod data;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use answers::Snapshot;
use data::{Deployment, Fixture, MARKER, PersonData};

use crate::{
    Fault,
    appointment::booking_service,
    backup::{Backup, BackupMethod, Rows, empty_folder, files_below},
    database::Database,
    fault::same,
    journey::Transcript,
    smtp::MailServer,
};

/// The parameters of a drill.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server's program.
    pub server: PathBuf,
    /// The folder for backup, files and logs; emptied first.
    pub folder: PathBuf,
    /// How the database is backed up.
    pub method: BackupMethod,
    /// The number of clients, at least four.
    pub clients: usize,
    /// The number of messages in each conversation.
    pub messages: usize,
}

/// A running drill.
struct Drill<'a> {
    plan: &'a Plan,
    fixture: Fixture,
    transcript: Transcript<'a>,
}

/// Runs the drill with a service on `from`, restored into `to`, and writes a transcript to `out`. Both
/// databases must be empty.
///
/// # Errors
/// Names the guarantee that does not hold.
pub async fn run(
    plan: &Plan,
    from: Database,
    to: Database,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    empty_folder(&plan.folder)?;
    let mail_server = MailServer::start().await?;
    let drill = Drill { plan, fixture: Fixture::of(plan), transcript: Transcript::new(out) };
    drill.run(from, to, &mail_server.url()).await
}

impl Drill<'_> {
    async fn run(mut self, from: Database, to: Database, mail: &str) -> Result<(), Fault> {
        let source = Deployment::open(self.plan, "here", from, mail, true).await?;
        let baseline = self.save(&source).await?;
        let list = self.erase(&source).await?;
        drop(source);
        let to = self.restore(&baseline, to, mail).await?;
        self.replay(&baseline, &list, to, mail).await?;
        self.transcript.end()
    }

    async fn save(&mut self, source: &Deployment) -> Result<Baseline, Fault> {
        self.transcript.step("A service with something of everything")?;
        self.fixture.fill(&source.app, self.plan.messages).await?;
        source.wait_until_idle().await?;
        // Before the rows are read: reading preferences creates them.
        let snapshots = source.snapshots(self.fixture.people()).await?;
        let (rows, files) = (Rows::of(&source.url()).await?, files_below(&source.files)?);
        self.note_figures(&rows, &files, &snapshots)?;

        self.transcript.step(&format!("A backup, by {}", self.plan.method.name()))?;
        let started = Instant::now();
        let (method, folder) = (self.plan.method.clone(), self.plan.folder.join("backup"));
        let backup = Backup::take(method, &folder, &source.url(), &source.files).await?;
        self.note_duration("saved while the server runs", &backup, started)?;
        same(
            "rows that changed during the backup",
            changed_rows(&rows, &source.url()).await?,
            vec![],
        )?;
        let person_data = PersonData::of(&source.url(), &self.fixture.erased().id).await?;
        Ok(Baseline { rows, files, snapshots, person_data, backup })
    }

    /// Erases a person after the backup. Returns the file with the list of erased people.
    async fn erase(&mut self, source: &Deployment) -> Result<PathBuf, Fault> {
        self.transcript.step("After the backup a person is erased")?;
        assert_found("before", &source.leaks(MARKER).await?)?;
        let started = Instant::now();
        let service = source.app.rest(&booking_service())?;
        let erased = &self.fixture.erased().id;
        service.delete(&format!("/internal/participants/{erased}")).await?.expect(202)?;
        source.wait_for_erasure(erased).await?;
        same("where they are still found", source.leaks(MARKER).await?, vec![])?;
        let seconds = started.elapsed().as_secs_f64();
        self.transcript.passed(&format!("they are found nowhere after {seconds:.1} s"))?;

        let printed = source.operator.run(&["erase", "--list"]).await?;
        same("the list of erased people", printed.as_str(), &format!("{erased}\n"))?;
        let list = self.plan.folder.join("erased.txt");
        std::fs::write(&list, printed).map_err(Fault::while_doing("keep the list"))?;
        self.transcript.passed("`erase --list` names them; the list is kept beside the backup")?;
        Ok(list)
    }

    async fn restore(
        &mut self,
        baseline: &Baseline,
        to: Database,
        mail: &str,
    ) -> Result<Database, Fault> {
        self.transcript.step("The backup is restored elsewhere, where there is nothing")?;
        let started = Instant::now();
        let files = Deployment::files_in(self.plan, "elsewhere");
        baseline.backup.restore(&self.plan.server, &to.url(), &files).await?;
        self.note_duration("restored", &baseline.backup, started)?;
        same("rows that differ", changed_rows(&baseline.rows, &to.url()).await?, vec![])?;
        self.transcript.passed("every row of every table is as it was")?;
        same("whether every file is as it was", files_below(&files)? == baseline.files, true)?;
        self.transcript.passed("every file is as it was, byte for byte")?;

        // Without jobs, so that nothing changes before the comparison.
        let restored = Deployment::open(self.plan, "elsewhere", to, mail, false).await?;
        let snapshots = restored.snapshots(self.fixture.people()).await?;
        compare(&baseline.snapshots, &snapshots)?;
        self.transcript.passed("everybody sees what they saw before")?;
        assert_found("after the restore", &restored.leaks(MARKER).await?)?;
        self.transcript.passed("the erased person is back, since the backup contains them")?;
        Ok(restored.app.database)
    }

    async fn replay(
        &mut self,
        baseline: &Baseline,
        list: &Path,
        to: Database,
        mail: &str,
    ) -> Result<(), Fault> {
        self.transcript.step("`erase --replay`, before the server starts")?;
        let (started, erased) = (Instant::now(), &self.fixture.erased().id);
        let operator = Deployment::operator(self.plan, &to);
        let file = list.to_str().ok_or_else(|| Fault::new("a folder name that is not UTF-8"))?;
        operator.run(&["erase", "--replay", file]).await?;
        let deployment = Deployment::open(self.plan, "elsewhere", to, mail, true).await?;
        deployment.wait_for_erasure(erased).await?;
        deployment.wait_until_idle().await?;
        same("where they are still found", deployment.leaks(MARKER).await?, vec![])?;
        let seconds = started.elapsed().as_secs_f64();
        let nowhere = "they are found nowhere: no row, no file, no log line";
        self.transcript.passed(&format!("{nowhere}, after {seconds:.1} s"))?;

        let changed = changed_rows(&baseline.rows, &deployment.url()).await?;
        let others = changed.iter().filter(|row| !baseline.person_data.is_in_row(row));
        same("rows of others that changed", others.collect(), Vec::<&String>::new())?;
        let count = changed.len();
        self.transcript.passed(&format!("{count} rows changed, every one about them"))?;
        let kept =
            files_below(&deployment.files)? == baseline.person_data.without_files(&baseline.files);
        same("whether every other file is as it was, and theirs are gone", kept, true)?;
        self.transcript.passed("their files are gone, every other file is as it was")?;

        let mut then = baseline.snapshots.clone();
        then.retain(|(who, _)| who != erased);
        let now = deployment.snapshots(self.fixture.others()).await?;
        let hidden = baseline.person_data.conversations();
        compare(&without(then, hidden), &without(now, hidden))?;
        self.transcript.passed("everybody else sees what they saw before")?;
        let again = deployment.operator.run(&["erase", "--list"]).await?;
        same("the list of erased people", again, format!("{erased}\n"))?;
        self.transcript.passed("the list of erased people is the same again")
    }
}

// Sizes and times.

impl Drill<'_> {
    fn note_figures(
        &mut self,
        rows: &Rows,
        files: &BTreeMap<String, Vec<u8>>,
        snapshots: &[(String, Snapshot)],
    ) -> Result<(), Fault> {
        let messages: usize = snapshots.iter().map(|(_, snapshot)| snapshot.messages()).sum();
        let pictures: usize = snapshots.iter().map(|(_, snapshot)| snapshot.pictures()).sum();
        let (people, count, tables) = (snapshots.len(), rows.count(), rows.tables());
        self.transcript.note(&format!(
            "{people} people, who see {messages} messages and {pictures} pictures between them"
        ))?;
        let kilobytes = files.values().map(Vec::len).sum::<usize>() / 1024;
        let files = files.len();
        self.transcript
            .note(&format!("{count} rows in {tables} tables, {files} files of {kilobytes} kB"))
    }

    fn note_duration(
        &mut self,
        what: &str,
        backup: &Backup,
        started: Instant,
    ) -> Result<(), Fault> {
        let seconds = started.elapsed().as_secs_f64();
        let kilobytes = backup.database_bytes()? / 1024;
        self.transcript.note(&format!("{what} in {seconds:.1} s; the dump is {kilobytes} kB"))
    }
}

// The state at the time of the backup, and comparisons with it.

/// The state at the time of the backup.
struct Baseline {
    rows: Rows,
    files: BTreeMap<String, Vec<u8>>,
    snapshots: Vec<(String, Snapshot)>,
    person_data: PersonData,
    backup: Backup,
}

/// The rows that were added, changed or removed.
async fn changed_rows(baseline: &Rows, url: &str) -> Result<Vec<String>, Fault> {
    Ok(baseline.differing_from(&Rows::of(url).await?))
}

/// Checks that data of the person to erase was found.
fn assert_found(when: &str, found: &[String]) -> Result<(), Fault> {
    if found.is_empty() {
        return Err(Fault::new(format!("{when}: no data of the person to erase is found")));
    }
    Ok(())
}

/// The snapshots without these conversations.
fn without(all: Vec<(String, Snapshot)>, hidden: &BTreeSet<String>) -> Vec<(String, Snapshot)> {
    all.into_iter().map(|(who, snapshot)| (who, snapshot.without(hidden))).collect()
}

/// Checks that every person sees the same as before.
fn compare(then: &[(String, Snapshot)], now: &[(String, Snapshot)]) -> Result<(), Fault> {
    same("people compared", now.len(), then.len())?;
    for ((who, then), (_, now)) in then.iter().zip(now) {
        same(&format!("what {who} sees differently from before"), now.differing(then), None)?;
    }
    Ok(())
}
