//! The contract of every store: one function per clause, all run by
//! [`store_contract!`](crate::store_contract).
//!
//! A clause starts on an empty store and panics when it is violated. Behaviour that a
//! single-threaded fake cannot show, such as lock waits, is tested in the adapter.

#[macro_use]
mod run;
pub mod appointments;
pub mod commits;
pub mod conversations;
pub mod jobs;
pub mod log;
pub mod mail;
pub mod messages;
pub mod notices;
pub mod participants;
pub mod preferences;
pub mod privacy;
pub mod reading;
pub mod retention;
mod setup;
pub mod uploads;

#[cfg(test)]
mod tests {

    /// A clause missing in the macro would never run.
    #[test]
    fn every_clause_that_is_written_is_run() {
        let run = include_str!("contract/run.rs");
        let sources = [
            include_str!("contract/appointments.rs"),
            include_str!("contract/commits.rs"),
            include_str!("contract/conversations.rs"),
            include_str!("contract/jobs.rs"),
            include_str!("contract/log.rs"),
            include_str!("contract/mail.rs"),
            include_str!("contract/messages.rs"),
            include_str!("contract/notices.rs"),
            include_str!("contract/participants.rs"),
            include_str!("contract/preferences.rs"),
            include_str!("contract/privacy.rs"),
            include_str!("contract/reading.rs"),
            include_str!("contract/retention.rs"),
            include_str!("contract/uploads.rs"),
        ];
        let clauses = sources.iter().flat_map(|topic| topic.lines());
        let clauses = clauses.filter_map(|line| line.strip_prefix("pub async fn "));
        for clause in clauses.filter_map(|line| line.split('(').next()) {
            let named = run.lines().any(|line| line.trim() == clause);
            assert!(named, "{clause} is written and never run");
        }
    }
}
