//! What every store keeps: one function for each clause, all of them run by
//! [`store_contract!`](crate::store_contract).
//!
//! A clause starts on an empty store and panics when it is not kept. What a fake that does one
//! thing at a time cannot show, such as waiting for a lock, is tested beside the adapter.

mod aged;
mod booking;
mod mailbox;
#[macro_use]
mod run;
mod sight;
mod stage;
mod talk;
mod upload;

pub mod aging;
pub mod appointments;
pub mod audit;
pub mod deleting;
pub mod editing;
pub mod erasures;
pub mod exports;
pub mod gone;
pub mod history;
pub mod jobs;
pub mod keys;
pub mod letters;
pub mod lists;
pub mod log;
pub mod mails;
pub mod membership;
pub mod notices;
pub mod opening;
pub mod order;
pub mod participants;
pub mod posting;
pub mod preferences;
pub mod reading;
pub mod retention;
pub mod unread;
pub mod uploads;
pub mod verdicts;

#[cfg(test)]
mod tests {
    /// A clause that is written and not named in the macro would never run.
    #[test]
    fn every_clause_that_is_written_is_run() {
        let run = include_str!("run.rs");
        let topics = [
            include_str!("aging.rs"),
            include_str!("appointments.rs"),
            include_str!("audit.rs"),
            include_str!("deleting.rs"),
            include_str!("editing.rs"),
            include_str!("erasures.rs"),
            include_str!("exports.rs"),
            include_str!("gone.rs"),
            include_str!("history.rs"),
            include_str!("jobs.rs"),
            include_str!("keys.rs"),
            include_str!("letters.rs"),
            include_str!("lists.rs"),
            include_str!("log.rs"),
            include_str!("mails.rs"),
            include_str!("membership.rs"),
            include_str!("notices.rs"),
            include_str!("opening.rs"),
            include_str!("order.rs"),
            include_str!("participants.rs"),
            include_str!("posting.rs"),
            include_str!("preferences.rs"),
            include_str!("reading.rs"),
            include_str!("retention.rs"),
            include_str!("unread.rs"),
            include_str!("uploads.rs"),
            include_str!("verdicts.rs"),
        ];
        let clauses = topics.iter().flat_map(|topic| topic.lines());
        let clauses = clauses.filter_map(|line| line.strip_prefix("pub async fn "));
        for clause in clauses.filter_map(|line| line.split('(').next()) {
            let named = run.lines().any(|line| line.trim() == clause);
            assert!(named, "{clause} is written and never run");
        }
    }
}
