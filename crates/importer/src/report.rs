//! The counts of an import, and how its progress is reported.

use std::{collections::BTreeMap, fmt};

use domain::import::{ImportOutcome, Refusal};

use crate::legacy::{Findings, ImportedKind, Refused, Repair};

/// What was done with the rows that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Read from the source.
    Read,
    /// Written for the first time.
    New,
    /// Written before, changed since, and written again.
    Updated,
    /// Written before and unchanged since.
    Unchanged,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Read, Self::New, Self::Updated, Self::Unchanged];

    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::New => "new",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// The counts of an import. Written and parsed again as one line for each count: `<outcome> <kind> <count>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    outcomes: BTreeMap<(ImportedKind, Outcome), u64>,
    repairs: BTreeMap<Repair, u64>,
    refusals: BTreeMap<(ImportedKind, Refusal), u64>,
    /// Mail that the legacy system sent or gave up, and that is not imported.
    closed_mail: u64,
}

impl Report {
    /// How many rows of this `kind` had this `outcome`.
    pub fn count(&self, kind: ImportedKind, outcome: Outcome) -> u64 {
        self.outcomes.get(&(kind, outcome)).copied().unwrap_or_default()
    }

    /// How often this repair was made.
    pub fn repaired(&self, repair: Repair) -> u64 {
        self.repairs.get(&repair).copied().unwrap_or_default()
    }

    /// How many rows of this `kind` were refused for this `reason`.
    pub fn refused(&self, kind: ImportedKind, reason: Refusal) -> u64 {
        self.refusals.get(&(kind, reason)).copied().unwrap_or_default()
    }

    /// How many rows of this `kind` were refused.
    pub fn refused_total(&self, kind: ImportedKind) -> u64 {
        self.refusals.iter().filter(|((of, _), _)| *of == kind).map(|(_, count)| count).sum()
    }

    /// How many mails the legacy system sent or gave up; they are not imported.
    pub fn closed_mail(&self) -> u64 {
        self.closed_mail
    }

    pub(crate) fn add_read(&mut self, kind: ImportedKind, count: usize) {
        self.add(kind, Outcome::Read, count as u64);
    }

    pub(crate) fn add_outcome(&mut self, kind: ImportedKind, outcome: ImportOutcome, count: u64) {
        match outcome {
            ImportOutcome::New => self.add(kind, Outcome::New, count),
            ImportOutcome::Updated => self.add(kind, Outcome::Updated, count),
            ImportOutcome::Unchanged => self.add(kind, Outcome::Unchanged, count),
            ImportOutcome::Refused(reason) => self.add_refused(kind, reason, count),
        }
    }

    pub(crate) fn add_refused(&mut self, kind: ImportedKind, reason: Refusal, count: u64) {
        if count > 0 {
            *self.refusals.entry((kind, reason)).or_default() += count;
        }
    }

    pub(crate) fn add_findings(&mut self, findings: &Findings) {
        for (repair, count) in &findings.repairs {
            *self.repairs.entry(*repair).or_default() += count;
        }
        for refused in &findings.refused {
            self.add_refused(refused.kind, refused.reason, 1);
        }
    }

    pub(crate) fn set_closed_mail(&mut self, count: u64) {
        self.closed_mail = count;
    }

    fn add(&mut self, kind: ImportedKind, outcome: Outcome, count: u64) {
        if count > 0 {
            *self.outcomes.entry((kind, outcome)).or_default() += count;
        }
    }

    /// Parses what [`Display`](fmt::Display) wrote; other lines are ignored.
    pub(crate) fn parse(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            if let Some((count, of)) = words.split_last()
                && let Ok(count) = count.parse()
            {
                report.set(of, count);
            }
        }
        report
    }

    fn set(&mut self, of: &[&str], count: u64) {
        match *of {
            ["repaired", repair] => {
                self.repairs.extend(Repair::parse(repair).map(|it| (it, count)));
            }
            ["refused", kind, reason] => {
                let of = ImportedKind::parse(kind).zip(Refusal::parse(reason));
                self.refusals.extend(of.map(|of| (of, count)));
            }
            ["left", "closed_mail"] => self.closed_mail = count,
            [outcome, kind] => {
                let outcome = Outcome::ALL.into_iter().find(|it| it.as_str() == outcome);
                let of = ImportedKind::parse(kind).zip(outcome);
                self.outcomes.extend(of.map(|of| (of, count)));
            }
            _ => {}
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((kind, outcome), count) in &self.outcomes {
            writeln!(f, "{:9} {:12} {count:>9}", outcome.as_str(), kind.as_str())?;
        }
        for (repair, count) in &self.repairs {
            writeln!(f, "repaired  {:28} {count:>9}", repair.as_str())?;
        }
        for ((kind, reason), count) in &self.refusals {
            writeln!(f, "refused   {:12} {:24} {count:>9}", kind.as_str(), reason.as_str())?;
        }
        if self.closed_mail > 0 {
            writeln!(f, "left      closed_mail  {:>9}", self.closed_mail)?;
        }
        Ok(())
    }
}

/// Called while an import runs, so that refusals need not be kept in memory until its end.
pub trait Progress: Send {
    /// An interrupted import is resumed; `so_far` are its counts.
    fn resumed(&mut self, so_far: &Report);

    /// A row was refused.
    fn refused(&mut self, refused: &Refused);

    /// A page was imported.
    fn page(&mut self, so_far: &Report);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_parsed_as_it_was_written() {
        let mut findings = Findings::default();
        findings.repaired(Repair::ReadBelowHorizon);
        findings.refuse(ImportedKind::File, "f1", Refusal::UrlNotAllowed);
        let mut report = Report::default();
        report.add_findings(&findings);
        report.add_read(ImportedKind::Message, 7);
        report.add_outcome(ImportedKind::Conversation, ImportOutcome::Unchanged, 3);
        report.add_outcome(
            ImportedKind::Message,
            ImportOutcome::Refused(Refusal::ConversationRefused),
            2,
        );
        report.set_closed_mail(9);
        assert_eq!(Report::parse(&report.to_string()), report);
        assert_eq!(report.refused_total(ImportedKind::Message), 2);
        assert_eq!(Report::parse("nonsense 1\nread\n"), Report::default());
    }
}
