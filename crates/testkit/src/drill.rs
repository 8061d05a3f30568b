//! A backup drill: a service is saved, loses somebody who wishes to be forgotten, is restored elsewhere
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
use data::{Place, Theirs, WORD, World};

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
    world: World,
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
    let drill = Drill { plan, world: World::of(plan), transcript: Transcript::new(out) };
    drill.run(from, to, &post.url()).await
}

impl Drill<'_> {
    async fn run(mut self, from: Database, to: Database, mail: &str) -> Result<(), Fault> {
        let here = Place::open(self.plan, "here", from, mail, true).await?;
        let before = self.save(&here).await?;
        let list = self.forget(&here).await?;
        drop(here);
        let to = self.restore(&before, to, mail).await?;
        self.replay(&before, &list, to, mail).await?;
        self.transcript.end()
    }

    async fn save(&mut self, here: &Place) -> Result<Before, Fault> {
        self.transcript.step("A service with something of everything")?;
        self.world.fill(&here.stage, self.plan.messages).await?;
        here.quiet().await?;
        // At first: preferences are entered when they are asked for.
        let answers = here.answers(self.world.people()).await?;
        let (rows, files) = (Rows::of(&here.url()).await?, files_below(&here.files)?);
        self.figures(&rows, &files, &answers)?;

        self.transcript.step(&format!("A backup, by {}", self.plan.way.name()))?;
        let begun = Instant::now();
        let (way, folder) = (self.plan.way.clone(), self.plan.folder.join("backup"));
        let backup = Backup::take(way, &folder, &here.url(), &here.files).await?;
        self.took("saved while the server runs", &backup, begun)?;
        same("rows that moved meanwhile", moved(&rows, &here.url()).await?, vec![])?;
        let theirs = Theirs::of(&here.url(), &self.world.leaving().id).await?;
        Ok(Before { rows, files, answers, theirs, backup })
    }

    /// Somebody is forgotten after the backup. Returns the list of the forgotten, in a file.
    async fn forget(&mut self, here: &Place) -> Result<PathBuf, Fault> {
        self.transcript.step("After the backup somebody is forgotten")?;
        assert_found("before", &here.traces(WORD).await?)?;
        let begun = Instant::now();
        let service = here.stage.rest(&booking_service())?;
        let leaving = &self.world.leaving().id;
        service.delete(&format!("/internal/participants/{leaving}")).await?.expect(202)?;
        here.forgotten(leaving).await?;
        same("where they still stand", here.traces(WORD).await?, vec![])?;
        let seconds = begun.elapsed().as_secs_f64();
        self.transcript.holds(&format!("their word is nowhere after {seconds:.1} s"))?;

        let printed = here.operator.run(&["erase", "--list"]).await?;
        same("the list of the forgotten", printed.as_str(), &format!("{leaving}\n"))?;
        let list = self.plan.folder.join("forgotten.txt");
        std::fs::write(&list, printed).map_err(Fault::while_doing("keep the list"))?;
        self.transcript.holds("`erase --list` names them; the list is kept beside the backup")?;
        Ok(list)
    }

    async fn restore(
        &mut self,
        before: &Before,
        to: Database,
        mail: &str,
    ) -> Result<Database, Fault> {
        self.transcript.step("The backup is restored elsewhere, where there is nothing")?;
        let begun = Instant::now();
        let files = Place::files_in(self.plan, "elsewhere");
        before.backup.restore(&self.plan.server, &to.url(), &files).await?;
        self.took("restored", &before.backup, begun)?;
        same("rows that differ", moved(&before.rows, &to.url()).await?, vec![])?;
        self.transcript.holds("every row of every table is as it was")?;
        same("whether every file is as it was", files_below(&files)? == before.files, true)?;
        self.transcript.holds("every file is as it was, byte for byte")?;

        // Without jobs, so that nothing moves before it was compared.
        let elsewhere = Place::open(self.plan, "elsewhere", to, mail, false).await?;
        let answers = elsewhere.answers(self.world.people()).await?;
        compare(&before.answers, &answers)?;
        self.transcript.holds("everybody is answered what they were answered before")?;
        assert_found("after the restore", &elsewhere.traces(WORD).await?)?;
        self.transcript.holds("whoever was forgotten meanwhile is back, as a backup has it")?;
        Ok(elsewhere.stage.database)
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
        let (begun, leaving) = (Instant::now(), &self.world.leaving().id);
        let operator = Place::operator(self.plan, &to);
        let file = list.to_str().ok_or_else(|| Fault::new("a folder with an odd name"))?;
        operator.run(&["erase", "--replay", file]).await?;
        let place = Place::open(self.plan, "elsewhere", to, mail, true).await?;
        place.forgotten(leaving).await?;
        place.quiet().await?;
        same("where they still stand", place.traces(WORD).await?, vec![])?;
        let seconds = begun.elapsed().as_secs_f64();
        let nowhere = "their word is nowhere: no row, no file, no line of the log";
        self.transcript.holds(&format!("{nowhere}, after {seconds:.1} s"))?;

        let changed = moved(&before.rows, &place.url()).await?;
        let others = changed.iter().filter(|row| !before.theirs.are_named_in(row));
        same("rows of others that changed", others.collect(), Vec::<&String>::new())?;
        let count = changed.len();
        self.transcript.holds(&format!("{count} rows changed, every one about them"))?;
        let kept = files_below(&place.files)? == before.theirs.without_files(&before.files);
        same("whether every other file is as it was, and theirs are gone", kept, true)?;
        self.transcript.holds("their files are gone, every other file is as it was")?;

        let mut then = before.answers.clone();
        then.retain(|(who, _)| who != leaving);
        let now = place.answers(self.world.staying()).await?;
        let hidden = before.theirs.conversations();
        compare(&without(then, hidden), &without(now, hidden))?;
        self.transcript.holds("everybody else is answered what they were answered before")?;
        let again = place.operator.run(&["erase", "--list"]).await?;
        same("the list of the forgotten", again, format!("{leaving}\n"))?;
        self.transcript.holds("the list of the forgotten is the same again")
    }
}

// Sizes and times, for whoever wants to know.

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
        self.transcript.tells(&format!(
            "{people} people, who see {messages} messages and {pictures} pictures between them"
        ))?;
        let kilobytes = files.values().map(Vec::len).sum::<usize>() / 1024;
        let files = files.len();
        self.transcript
            .tells(&format!("{count} rows in {tables} tables, {files} files of {kilobytes} kB"))
    }

    fn took(&mut self, what: &str, backup: &Backup, begun: Instant) -> Result<(), Fault> {
        let seconds = begun.elapsed().as_secs_f64();
        let kilobytes = backup.database_bytes()? / 1024;
        self.transcript.tells(&format!("{what} in {seconds:.1} s; the dump is {kilobytes} kB"))
    }
}

// What there was when the backup was made, and what differs from it.

/// All that there was when the backup was made.
struct Before {
    rows: Rows,
    files: BTreeMap<String, Vec<u8>>,
    answers: Vec<(String, Answers)>,
    theirs: Theirs,
    backup: Backup,
}

/// The rows that are not in the database as they were, or not any more.
async fn moved(before: &Rows, url: &str) -> Result<Vec<String>, Fault> {
    Ok(before.differing_from(&Rows::of(url).await?))
}

/// Something of who is to be forgotten must be there.
fn assert_found(when: &str, traces: &[String]) -> Result<(), Fault> {
    if traces.is_empty() {
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
