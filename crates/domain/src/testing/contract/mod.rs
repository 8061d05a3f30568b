//! What every store keeps: one function for each clause, all of them run by
//! [`store_contract!`](crate::store_contract).
//!
//! A clause starts on an empty store and panics when it is not kept. What a fake that does one
//! thing at a time cannot show, such as waiting for a lock, is tested beside the adapter.

mod booking;
#[macro_use]
mod run;
mod sight;
mod stage;
mod talk;
mod upload;

pub mod appointments;
pub mod deleting;
pub mod editing;
pub mod erasures;
pub mod gone;
pub mod history;
pub mod jobs;
pub mod keys;
pub mod lists;
pub mod log;
pub mod membership;
pub mod notices;
pub mod opening;
pub mod order;
pub mod participants;
pub mod posting;
pub mod reading;
pub mod unread;
pub mod uploads;

#[cfg(test)]
mod tests {
    /// A clause that is written and not named in the macro would never run.
    #[test]
    fn every_clause_that_is_written_is_run() {
        let run = include_str!("run.rs");
        let topics = [
            include_str!("appointments.rs"),
            include_str!("deleting.rs"),
            include_str!("editing.rs"),
            include_str!("erasures.rs"),
            include_str!("gone.rs"),
            include_str!("history.rs"),
            include_str!("jobs.rs"),
            include_str!("keys.rs"),
            include_str!("lists.rs"),
            include_str!("log.rs"),
            include_str!("membership.rs"),
            include_str!("notices.rs"),
            include_str!("opening.rs"),
            include_str!("order.rs"),
            include_str!("participants.rs"),
            include_str!("posting.rs"),
            include_str!("reading.rs"),
            include_str!("unread.rs"),
            include_str!("uploads.rs"),
        ];
        let clauses = topics.iter().flat_map(|topic| topic.lines());
        let clauses = clauses.filter_map(|line| line.strip_prefix("pub async fn "));
        for clause in clauses.filter_map(|line| line.split('(').next()) {
            let named = run.lines().any(|line| line.trim() == clause);
            assert!(named, "{clause} is written and never run");
        }
    }
}
