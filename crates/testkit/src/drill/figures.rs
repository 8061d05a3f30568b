//! Sizes and times, for whoever wants to know.

use std::{collections::BTreeMap, time::Instant};

use super::{Drill, answers::Answers};
use crate::{
    Fault,
    backup::{Backup, Rows},
};

impl Drill<'_> {
    pub(super) fn figures(
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

    pub(super) fn took(
        &mut self,
        what: &str,
        backup: &Backup,
        begun: Instant,
    ) -> Result<(), Fault> {
        let seconds = begun.elapsed().as_secs_f64();
        let kilobytes = backup.database_bytes()? / 1024;
        self.transcript.tells(&format!("{what} in {seconds:.1} s; the dump is {kilobytes} kB"))
    }
}
