//! `audit list`: prints the audit log of people's data.

use domain::privacy::{audit::AuditEntry, store::AuditStore as _};
use storage_pg::PgStore;

use crate::{cli::AuditVerb, database, error::RunError, settings::Config};

const HEAD: &str = "at\tby\tdeed\tto\n";

/// Returns the output.
pub(crate) async fn perform(verb: &AuditVerb, config: &Config) -> Result<String, RunError> {
    let AuditVerb::List { limit } = *verb;
    database::prepare(&config.database).await?;
    let store = PgStore::new(&config.database.store)?;
    let entries = store.audit(limit).await.map_err(RunError::Audit)?;
    let mut lines = HEAD.to_owned();
    lines.extend(entries.iter().map(line));
    Ok(lines)
}

fn line(entry: &AuditEntry) -> String {
    let AuditEntry { at, actor, action, subject } = entry;
    let by = match actor.person() {
        Some(person) => format!("{} {person}", actor.as_str()),
        None => actor.as_str().to_owned(),
    };
    let to = if subject.is_empty() { "everybody" } else { subject };
    format!("{at}\t{by}\t{}\t{to}\n", action.as_str())
}

#[cfg(test)]
mod tests {
    use domain::{
        ids::UserId,
        privacy::audit::{Actor, AuditAction},
        time::Timestamp,
    };

    use super::*;

    #[test]
    fn an_entry_is_a_line_with_a_column_for_each_thing() {
        let mut entry = AuditEntry {
            at: Timestamp::UNIX_EPOCH,
            actor: Actor::Service,
            action: AuditAction::PolicyChanged,
            subject: String::new(),
        };
        let epoch = "1970-01-01T00:00:00.000Z";
        assert_eq!(line(&entry), format!("{epoch}\tservice\tpolicy_changed\teverybody\n"));
        entry.actor = Actor::Person(UserId::parse("c1").expect("good"));
        (entry.action, entry.subject) = (AuditAction::ExportRequested, "c1".to_owned());
        assert_eq!(line(&entry), format!("{epoch}\tperson c1\texport_requested\tc1\n"));
        assert_eq!(line(&entry).matches('\t').count(), HEAD.matches('\t').count());
    }
}
