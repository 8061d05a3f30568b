use std::collections::{BTreeMap, HashSet};

use super::Plan;
use crate::{Fault, fault::same, post::Email};

/// What arrived.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// By recipient, the ids of the mails and how often each arrived.
    mails: BTreeMap<String, HashSet<String>>,
    copies: usize,
    /// How often the messaging server was killed.
    pub kills: usize,
    /// How often a job was put off because the mail server refused.
    pub setbacks: usize,
}

impl Outcome {
    pub(super) fn add(&mut self, letter: &Email) {
        self.copies += 1;
        self.mails.entry(letter.to.clone()).or_default().insert(letter.header("Message-ID"));
    }

    /// People who were told.
    pub fn delivered(&self) -> usize {
        self.mails.len()
    }

    /// Mails that arrived again, under the id that they had.
    pub fn repeated(&self) -> usize {
        self.copies - self.mails.len()
    }

    /// The outcome, if it is as it must be.
    pub(super) fn checked(self, plan: Plan) -> Result<Self, Fault> {
        same("people who were told", self.delivered(), plan.notices)?;
        same("kills", self.kills, plan.kills)?;
        let told_twice = self.mails.values().filter(|ids| ids.len() != 1).count();
        same("people told twice under two ids", told_twice, 0)?;
        let nameless = self.mails.values().flatten().filter(|id| id.is_empty()).count();
        same("mails without an id", nameless, 0)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(to: &str, id: &str) -> Email {
        Email { to: to.to_owned(), source: format!("Message-ID: {id}\r\n\r\n") }
    }

    #[test]
    fn a_mail_that_arrives_again_is_counted_and_one_under_a_new_id_is_a_fault() {
        let plan = Plan { notices: 1, kills: 0 };
        let mut outcome = Outcome::default();
        outcome.add(&letter("lea@example.org", "<1@a>"));
        outcome.add(&letter("lea@example.org", "<1@a>"));
        assert_eq!((outcome.delivered(), outcome.repeated()), (1, 1));
        assert!(outcome.clone().checked(plan).is_ok());
        assert!(outcome.clone().checked(Plan { notices: 2, ..plan }).is_err());
        outcome.add(&letter("lea@example.org", "<2@a>"));
        assert!(outcome.checked(plan).is_err());
    }
}
