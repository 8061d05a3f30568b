//! What there was when the backup was made, and what differs from it.

use std::collections::{BTreeMap, BTreeSet};

use super::{answers::Answers, theirs::Theirs};
use crate::{
    Fault,
    backup::{Backup, Rows},
    fault::same,
};

/// All that there was when the backup was made.
pub(super) struct Before {
    pub(super) rows: Rows,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) answers: Vec<(String, Answers)>,
    pub(super) theirs: Theirs,
    pub(super) backup: Backup,
}

/// The rows that are not in the database as they were, or not any more.
pub(super) async fn moved(before: &Rows, url: &str) -> Result<Vec<String>, Fault> {
    Ok(before.differing_from(&Rows::of(url).await?))
}

/// Something of who is to be forgotten must be there.
pub(super) fn assert_found(when: &str, traces: &[String]) -> Result<(), Fault> {
    if traces.is_empty() {
        return Err(Fault::new(format!("{when}: nothing is found of who is to be forgotten")));
    }
    Ok(())
}

/// What everybody is answered, apart from these conversations.
pub(super) fn without(
    all: Vec<(String, Answers)>,
    hidden: &BTreeSet<String>,
) -> Vec<(String, Answers)> {
    all.into_iter().map(|(who, answers)| (who, answers.without(hidden))).collect()
}

/// Everybody is answered the same.
pub(super) fn compare(then: &[(String, Answers)], now: &[(String, Answers)]) -> Result<(), Fault> {
    same("people who are answered", now.len(), then.len())?;
    for ((who, then), (_, now)) in then.iter().zip(now) {
        same(&format!("what {who} is answered otherwise than before"), now.differing(then), None)?;
    }
    Ok(())
}
