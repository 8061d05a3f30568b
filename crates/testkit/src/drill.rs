//! A backup drill: a service is backed up, erases a person, is restored elsewhere
//! with that person in it, and forgets them again. Everything that is promised of it is checked, and
//! told on the way.

mod answers;
pub mod data;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use answers::Answers;
use data::{Deployment, Fixture, MARKER, PersonData};

use crate::{
    Fault,
    appointment::booking_service,
    backup::{Backup, Rows, Way, emptied, files_below},
    database::Database,
    fault::same,
    journey::Transcript,
    smtp::MailServer,
};

/// What a drill is done with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server's program.
    pub server: PathBuf,
    /// Where backup, files and logs go; emptied.
    pub folder: PathBuf,
    /// How the database is saved.
    pub way: Way,
    /// How many clients there are, four at the least.
    pub clients: usize,
    /// How many messages are sent in each conversation.
    pub messages: usize,
}

/// A drill under way.
struct Drill<'a> {
    plan: &'a Plan,
    fixture: Fixture,
    transcript: Transcript<'a>,
}

/// Saves what is in `from`, restores it into `to`, and writes a transcript to `out`. Both databases
/// must be empty.
///
/// # Errors
/// Names what is not as it was promised.
pub async fn run(
    plan: &Plan,
    from: Database,
    to: Database,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    emptied(&plan.folder)?;
    let post = MailServer::start().await?;
    let drill = Drill { plan, fixture: Fixture::of(plan), transcript: Transcript::new(out) };
    drill.run(from, to, &post.url()).await
}

impl Drill<'_> {
    async fn run(mut self, from: Database, to: Database, mail: &str) -> Result<(), Fault> {
        let here = Deployment::open(self.plan, "here", from, mail, true).await?;
        let before = self.save(&here).await?;
        let list = self.forget(&here).await?;
        drop(here);
        let to = self.restore(&before, to, mail).await?;
        self.replay(&before, &list, to, mail).await?;
        self.transcript.end()
    }

    async fn save(&mut self, here: &Deployment) -> Result<Before, Fault> {
        self.transcript.step("A service with something of everything")?;
        self.fixture.fill(&here.app, self.plan.messages).await?;
        here.wait_until_idle().await?;
        // At first: preferences are entered when they are asked for.
        let answers = here.answers(self.fixture.people()).await?;
        let (rows, files) = (Rows::of(&here.url()).await?, files_below(&here.files)?);
        self.figures(&rows, &files, &answers)?;

        self.transcript.step(&format!("A backup, by {}", self.plan.way.name()))?;
        let started = Instant::now();
        let (way, folder) = (self.plan.way.clone(), self.plan.folder.join("backup"));
        let backup = Backup::take(way, &folder, &here.url(), &here.files).await?;
        self.took("saved while the server runs", &backup, started)?;
        same("rows that moved meanwhile", changed_rows(&rows, &here.url()).await?, vec![])?;
        let person_data = PersonData::of(&here.url(), &self.fixture.erased().id).await?;
        Ok(Before { rows, files, answers, person_data, backup })
    }

    /// Somebody is forgotten after the backup. Returns the list of the forgotten, in a file.
    async fn forget(&mut self, here: &Deployment) -> Result<PathBuf, Fault> {
        self.transcript.step("After the backup somebody is forgotten")?;
        assert_found("before", &here.leaks(MARKER).await?)?;
        let started = Instant::now();
        let service = here.app.rest(&booking_service())?;
        let erased = &self.fixture.erased().id;
        service.delete(&format!("/internal/participants/{erased}")).await?.expect(202)?;
        here.wait_for_erasure(erased).await?;
        same("where they still stand", here.leaks(MARKER).await?, vec![])?;
        let seconds = started.elapsed().as_secs_f64();
        self.transcript.passed(&format!("their word is nowhere after {seconds:.1} s"))?;

        let printed = here.operator.run(&["erase", "--list"]).await?;
        same("the list of the forgotten", printed.as_str(), &format!("{erased}\n"))?;
        let list = self.plan.folder.join("forgotten.txt");
        std::fs::write(&list, printed).map_err(Fault::while_doing("keep the list"))?;
        self.transcript.passed("`erase --list` names them; the list is kept beside the backup")?;
        Ok(list)
    }

    async fn restore(
        &mut self,
        before: &Before,
        to: Database,
        mail: &str,
    ) -> Result<Database, Fault> {
        self.transcript.step("The backup is restored elsewhere, where there is nothing")?;
        let started = Instant::now();
        let files = Deployment::files_in(self.plan, "elsewhere");
        before.backup.restore(&self.plan.server, &to.url(), &files).await?;
        self.took("restored", &before.backup, started)?;
        same("rows that differ", changed_rows(&before.rows, &to.url()).await?, vec![])?;
        self.transcript.passed("every row of every table is as it was")?;
        same("whether every file is as it was", files_below(&files)? == before.files, true)?;
        self.transcript.passed("every file is as it was, byte for byte")?;

        // Without jobs, so that nothing moves before it was compared.
        let elsewhere = Deployment::open(self.plan, "elsewhere", to, mail, false).await?;
        let answers = elsewhere.answers(self.fixture.people()).await?;
        compare(&before.answers, &answers)?;
        self.transcript.passed("everybody is answered what they were answered before")?;
        assert_found("after the restore", &elsewhere.leaks(MARKER).await?)?;
        self.transcript.passed("whoever was forgotten meanwhile is back, as a backup has it")?;
        Ok(elsewhere.app.database)
    }

    async fn replay(
        &mut self,
        before: &Before,
        list: &Path,
        to: Database,
        mail: &str,
    ) -> Result<(), Fault> {
        self.transcript
            .step("`erase --replay`, before anybody is let in; then the server starts")?;
        let (started, erased) = (Instant::now(), &self.fixture.erased().id);
        let operator = Deployment::operator(self.plan, &to);
        let file = list.to_str().ok_or_else(|| Fault::new("a folder with an odd name"))?;
        operator.run(&["erase", "--replay", file]).await?;
        let deployment = Deployment::open(self.plan, "elsewhere", to, mail, true).await?;
        deployment.wait_for_erasure(erased).await?;
        deployment.wait_until_idle().await?;
        same("where they still stand", deployment.leaks(MARKER).await?, vec![])?;
        let seconds = started.elapsed().as_secs_f64();
        let nowhere = "their word is nowhere: no row, no file, no line of the log";
        self.transcript.passed(&format!("{nowhere}, after {seconds:.1} s"))?;

        let changed = changed_rows(&before.rows, &deployment.url()).await?;
        let others = changed.iter().filter(|row| !before.person_data.are_in_row(row));
        same("rows of others that changed", others.collect(), Vec::<&String>::new())?;
        let count = changed.len();
        self.transcript.passed(&format!("{count} rows changed, every one about them"))?;
        let kept =
            files_below(&deployment.files)? == before.person_data.without_files(&before.files);
        same("whether every other file is as it was, and theirs are gone", kept, true)?;
        self.transcript.passed("their files are gone, every other file is as it was")?;

        let mut then = before.answers.clone();
        then.retain(|(who, _)| who != erased);
        let now = deployment.answers(self.fixture.others()).await?;
        let hidden = before.person_data.conversations();
        compare(&without(then, hidden), &without(now, hidden))?;
        self.transcript.passed("everybody else is answered what they were answered before")?;
        let again = deployment.operator.run(&["erase", "--list"]).await?;
        same("the list of the forgotten", again, format!("{erased}\n"))?;
        self.transcript.passed("the list of the forgotten is the same again")
    }
}

// Sizes and times.

impl Drill<'_> {
    fn figures(
        &mut self,
        rows: &Rows,
        files: &BTreeMap<String, Vec<u8>>,
        answers: &[(String, Answers)],
    ) -> Result<(), Fault> {
        let messages: usize = answers.iter().map(|(_, answers)| answers.messages()).sum();
        let pictures: usize = answers.iter().map(|(_, answers)| answers.pictures()).sum();
        let (people, count, tables) = (answers.len(), rows.count(), rows.tables());
        self.transcript.note(&format!(
            "{people} people, who see {messages} messages and {pictures} pictures between them"
        ))?;
        let kilobytes = files.values().map(Vec::len).sum::<usize>() / 1024;
        let files = files.len();
        self.transcript
            .note(&format!("{count} rows in {tables} tables, {files} files of {kilobytes} kB"))
    }

    fn took(&mut self, what: &str, backup: &Backup, started: Instant) -> Result<(), Fault> {
        let seconds = started.elapsed().as_secs_f64();
        let kilobytes = backup.database_bytes()? / 1024;
        self.transcript.note(&format!("{what} in {seconds:.1} s; the dump is {kilobytes} kB"))
    }
}

// What there was when the backup was made, and what differs from it.

/// All that there was when the backup was made.
struct Before {
    rows: Rows,
    files: BTreeMap<String, Vec<u8>>,
    answers: Vec<(String, Answers)>,
    person_data: PersonData,
    backup: Backup,
}

/// The rows that are not in the database as they were, or not any more.
async fn changed_rows(before: &Rows, url: &str) -> Result<Vec<String>, Fault> {
    Ok(before.differing_from(&Rows::of(url).await?))
}

/// Something of who is to be forgotten must be there.
fn assert_found(when: &str, found: &[String]) -> Result<(), Fault> {
    if found.is_empty() {
        return Err(Fault::new(format!("{when}: nothing is found of who is to be forgotten")));
    }
    Ok(())
}

/// What everybody is answered, apart from these conversations.
fn without(all: Vec<(String, Answers)>, hidden: &BTreeSet<String>) -> Vec<(String, Answers)> {
    all.into_iter().map(|(who, answers)| (who, answers.without(hidden))).collect()
}

/// Everybody is answered the same.
fn compare(then: &[(String, Answers)], now: &[(String, Answers)]) -> Result<(), Fault> {
    same("people who are answered", now.len(), then.len())?;
    for ((who, then), (_, now)) in then.iter().zip(now) {
        same(&format!("what {who} is answered otherwise than before"), now.differing(then), None)?;
    }
    Ok(())
}
