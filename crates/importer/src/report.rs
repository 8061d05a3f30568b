//! What was counted.

use std::{collections::BTreeMap, fmt};

use domain::import::{Refusal, store::ImportOutcome};

use crate::legacy::{Findings, ImportedKind, Refused, Repair};

/// What became of things that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Read from the source.
    Read,
    /// Here now.
    New,
    /// Here before, up to date now.
    Updated,
    /// Taken over before, as it is.
    Unchanged,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Read, Self::New, Self::Updated, Self::Unchanged];

    /// Its word in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::New => "new",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What was counted: a line for each count, `<what> <of what> <how many>`. It is written and read
/// again in that form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    outcomes: BTreeMap<(ImportedKind, Outcome), u64>,
    repairs: BTreeMap<Repair, u64>,
    refusals: BTreeMap<(ImportedKind, Refusal), u64>,
    /// Mail of the former system that was sent or given up: it stays there.
    closed_mail: u64,
}

impl Tally {
    /// How many `things` had this `outcome`.
    pub fn count(&self, thing: ImportedKind, outcome: Outcome) -> u64 {
        self.outcomes.get(&(thing, outcome)).copied().unwrap_or_default()
    }

    /// How often something was mended in this way.
    pub fn repaired(&self, repair: Repair) -> u64 {
        self.repairs.get(&repair).copied().unwrap_or_default()
    }

    /// How many `things` were left out for this reason.
    pub fn refused(&self, thing: ImportedKind, reason: Refusal) -> u64 {
        self.refusals.get(&(thing, reason)).copied().unwrap_or_default()
    }

    /// How many `things` were left out.
    pub fn refused_in_all(&self, thing: ImportedKind) -> u64 {
        self.refusals.iter().filter(|((of, _), _)| *of == thing).map(|(_, count)| count).sum()
    }

    /// How many mails of the former system were sent or given up there, and stay there.
    pub fn closed_mail(&self) -> u64 {
        self.closed_mail
    }

    pub(crate) fn read(&mut self, thing: ImportedKind, count: usize) {
        self.add(thing, Outcome::Read, count as u64);
    }

    pub(crate) fn landed(&mut self, thing: ImportedKind, landing: ImportOutcome, count: u64) {
        match landing {
            ImportOutcome::New => self.add(thing, Outcome::New, count),
            ImportOutcome::Updated => self.add(thing, Outcome::Updated, count),
            ImportOutcome::Unchanged => self.add(thing, Outcome::Unchanged, count),
            ImportOutcome::Refused(reason) => self.refuse(thing, reason, count),
        }
    }

    pub(crate) fn refuse(&mut self, thing: ImportedKind, reason: Refusal, count: u64) {
        if count > 0 {
            *self.refusals.entry((thing, reason)).or_default() += count;
        }
    }

    pub(crate) fn found(&mut self, findings: &Findings) {
        for (repair, count) in &findings.repairs {
            *self.repairs.entry(*repair).or_default() += count;
        }
        for refused in &findings.refused {
            self.refuse(refused.thing, refused.reason, 1);
        }
    }

    pub(crate) fn note_closed_mail(&mut self, count: u64) {
        self.closed_mail = count;
    }

    fn add(&mut self, thing: ImportedKind, outcome: Outcome, count: u64) {
        if count > 0 {
            *self.outcomes.entry((thing, outcome)).or_default() += count;
        }
    }

    /// Reads what [`Display`](fmt::Display) wrote; a line that is none is left out.
    pub(crate) fn parse(text: &str) -> Self {
        let mut tally = Self::default();
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            if let Some((count, of)) = words.split_last()
                && let Ok(count) = count.parse()
            {
                tally.enter(of, count);
            }
        }
        tally
    }

    fn enter(&mut self, of: &[&str], count: u64) {
        match *of {
            ["repaired", repair] => {
                self.repairs.extend(Repair::parse(repair).map(|it| (it, count)));
            }
            ["refused", thing, reason] => {
                let of = ImportedKind::parse(thing).zip(Refusal::parse(reason));
                self.refusals.extend(of.map(|of| (of, count)));
            }
            ["left", "closed_mail"] => self.closed_mail = count,
            [outcome, thing] => {
                let outcome = Outcome::ALL.into_iter().find(|it| it.as_str() == outcome);
                let of = ImportedKind::parse(thing).zip(outcome);
                self.outcomes.extend(of.map(|of| (of, count)));
            }
            _ => {}
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((thing, outcome), count) in &self.outcomes {
            writeln!(f, "{:9} {:12} {count:>9}", outcome.as_str(), thing.as_str())?;
        }
        for (repair, count) in &self.repairs {
            writeln!(f, "repaired  {:28} {count:>9}", repair.as_str())?;
        }
        for ((thing, reason), count) in &self.refusals {
            writeln!(f, "refused   {:12} {:24} {count:>9}", thing.as_str(), reason.as_str())?;
        }
        if self.closed_mail > 0 {
            writeln!(f, "left      closed_mail  {:>9}", self.closed_mail)?;
        }
        Ok(())
    }
}

// Who looks on.

/// Hears what an import does while it does it, so that nothing has to be remembered until its end.
pub trait Watcher: Send {
    /// The import goes on where an earlier one stood, which had counted `so_far`.
    fn resumed(&mut self, so_far: &Tally);

    /// Something was left out.
    fn refused(&mut self, refused: &Refused);

    /// A page is done.
    fn page(&mut self, so_far: &Tally);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_read_as_it_was_written() {
        let mut findings = Findings::default();
        findings.repaired(Repair::ReadBelowHorizon);
        findings.refuse(ImportedKind::File, "f1", Refusal::UrlNotAllowed);
        let mut tally = Tally::default();
        tally.found(&findings);
        tally.read(ImportedKind::Message, 7);
        tally.landed(ImportedKind::Conversation, ImportOutcome::Unchanged, 3);
        tally.landed(
            ImportedKind::Message,
            ImportOutcome::Refused(Refusal::ConversationRefused),
            2,
        );
        tally.note_closed_mail(9);
        assert_eq!(Tally::parse(&tally.to_string()), tally);
        assert_eq!(tally.refused_in_all(ImportedKind::Message), 2);
        assert_eq!(Tally::parse("nonsense 1\nread\n"), Tally::default());
    }
}
