//! `retention run`: the nights' work at once, or what it would do.

use std::{fmt::Write as _, sync::Arc};

use domain::{Services, retention::RetentionReport};
use storage_pg::PgStore;

use crate::{
    cli::RetentionVerb,
    database,
    error::RunError,
    ports::{NoopFanout, SystemClock, SystemIds},
    settings::Config,
};

/// Does what an operator asks for, and returns what is to be printed. Who is connected to a server
/// learns of it with the next thing that happens in a conversation, or when they come back.
pub(crate) async fn perform(verb: &RetentionVerb, config: &Config) -> Result<String, RunError> {
    let RetentionVerb::Run { dry_run } = *verb;
    database::prepare(&config.database).await?;
    let store = Arc::new(PgStore::new(&config.database.store)?);
    let Services { retention, .. } =
        Services::new(store, Arc::new(NoopFanout), Arc::new(SystemClock), Arc::new(SystemIds))
            .with_retention(config.api.retention);
    let report = retention.run_retention(dry_run).await.map_err(RunError::Retention)?;
    Ok(shown(&report, dry_run))
}

fn shown(report: &RetentionReport, is_dry: bool) -> String {
    let head = if is_dry { "nothing was changed; a run would have" } else { "this run has" };
    let RetentionReport { archived, emptied, messages, files, held_back, log_entries, .. } = report;
    let mut text = format!(
        "{head}\n\
         archived conversations\t{archived}\n\
         emptied conversations\t{emptied}\n\
         deleted messages\t{messages}\n\
         files to delete\t{files}\n\
         forgotten log entries\t{log_entries}\n\
         held back conversations\t{held_back}\n"
    );
    if !is_dry {
        let RetentionReport { transactions, longest_ms, .. } = report;
        let _infallible =
            writeln!(text, "transactions\t{transactions}\nthe longest (ms)\t{longest_ms}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_shown_as_one() {
        let report =
            RetentionReport { archived: 3, messages: 40, longest_ms: 7, ..Default::default() };
        let dry = shown(&report, true);
        assert!(dry.starts_with("nothing was changed"), "{dry}");
        assert!(!dry.contains("(ms)"), "{dry}");
        let real = shown(&report, false);
        for line in ["archived conversations\t3", "deleted messages\t40", "the longest (ms)\t7"] {
            assert!(real.lines().any(|shown| shown == line), "{real}");
        }
        assert!(real.lines().skip(1).all(|line| line.matches('\t').count() == 1), "{real}");
    }
}
