//! The report of a run: Markdown as it is measured, and a file of its figures.

use std::{
    fs,
    io::Write,
    mem,
    path::{Path, PathBuf},
    time::Duration,
};

use xtask::workspace;

use super::{
    comparison,
    figures::{Figure, Section},
    machine,
    saved_run::SavedRun,
};
use crate::{Fault, database::Database};

/// What was measured so far.
pub(super) struct Report<'out> {
    out: &'out mut dyn Write,
    started_at: String,
    conditions: Vec<String>,
    figures: Vec<Figure>,
}

impl<'out> Report<'out> {
    /// Writes the date and the conditions, with the length of each measurement.
    pub(super) async fn begin(
        measurement: Duration,
        database: &Database,
        out: &'out mut dyn Write,
    ) -> Result<Self, Fault> {
        let started_at = machine::now(database).await?;
        let mut conditions = machine::describe(database).await?;
        conditions.push(format!("each measurement: {} s", measurement.as_secs()));
        let mut report = Self { out, started_at, conditions, figures: Vec::new() };
        let lines = report.conditions.iter().map(|line| format!("- {line}\n"));
        let text = format!("- started: {}\n{}", report.started_at, lines.collect::<String>());
        report.write(&text)?;
        Ok(report)
    }

    /// Writes a section and keeps its figures.
    pub(super) fn add(&mut self, section: Section) -> Result<(), Fault> {
        self.figures.extend(section.figures);
        self.write(&section.text)
    }

    /// Saves the figures, and compares them with the earlier run, if there is one.
    pub(super) fn finish(
        mut self,
        save: Option<&Path>,
        against: Option<&SavedRun>,
    ) -> Result<(), Fault> {
        let path = match save {
            Some(path) => path.to_owned(),
            None => default_path(&self.started_at)?,
        };
        let figures = mem::take(&mut self.figures);
        let run = SavedRun::new(self.started_at.clone(), self.conditions.clone(), figures);
        run.save(&path).map_err(Fault::while_doing("save the figures"))?;
        self.write(&format!("Figures saved: `{}`.\n", path.display()))?;
        match against {
            Some(before) => self.write(&comparison::table(before, &run)),
            None => Ok(()),
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Fault> {
        writeln!(self.out, "{text}").map_err(Fault::while_doing("write the report"))
    }
}

/// A file in `target/bench`, named after the start of the run.
fn default_path(started_at: &str) -> Result<PathBuf, Fault> {
    let folder = workspace::target().join("bench");
    fs::create_dir_all(&folder).map_err(Fault::while_doing("create the folder for the figures"))?;
    Ok(folder.join(format!("{}.json", started_at.replace(':', "-"))))
}
