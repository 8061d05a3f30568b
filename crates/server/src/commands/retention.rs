//! `retention run`: the nightly retention sweep at once, or a dry run of it.

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

/// Returns the output. Connected clients are not notified: they see the changes with the next event of a conversation,
/// or when they reconnect.
pub(crate) async fn perform(verb: &RetentionVerb, config: &Config) -> Result<String, RunError> {
    let RetentionVerb::Run { dry_run } = *verb;
    database::prepare(&config.database).await?;
    let store = Arc::new(PgStore::new(&config.database.store)?);
    let Services { retention, .. } =
        Services::new(store, Arc::new(NoopFanout), Arc::new(SystemClock), Arc::new(SystemIds))
            .with_retention(config.api.retention);
    let report = retention.run_retention(dry_run).await.map_err(RunError::Retention)?;
    Ok(report_text(&report, dry_run))
}

fn report_text(report: &RetentionReport, is_dry: bool) -> String {
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
    fn a_dry_run_says_that_it_is_one() {
        let report =
            RetentionReport { archived: 3, messages: 40, longest_ms: 7, ..Default::default() };
        let dry = report_text(&report, true);
        assert!(dry.starts_with("nothing was changed"), "{dry}");
        assert!(!dry.contains("(ms)"), "{dry}");
        let real = report_text(&report, false);
        for line in ["archived conversations\t3", "deleted messages\t40", "the longest (ms)\t7"] {
            assert!(real.lines().any(|printed| printed == line), "{real}");
        }
        assert!(real.lines().skip(1).all(|line| line.matches('\t').count() == 1), "{real}");
    }
}
