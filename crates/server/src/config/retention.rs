use clap::Args;
use domain::retention::{
    DELETE_AFTER_DAYS_MIN, InvalidRetention, LOG_DAYS_MIN, RETENTION_DAYS_MAX, RetentionPolicy,
    RetentionSettings as Kept,
};

use super::{
    fault::{Fault, Faults},
    value::whole,
};

const ARCHIVE: &str = "retention-archive-after-days";
const DELETE: &str = "retention-delete-after-days";
/// As a number of days: never.
const NEVER: u32 = 0;

/// How long things are kept. Two variables have the names that the service before this one gave them.
#[expect(clippy::struct_field_names, reason = "the unit of a setting is part of its name")]
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Retention")]
pub(crate) struct RetentionSettings {
    /// Days without a message after which a conversation is archived, unless a program of the platform says otherwise
    #[arg(id = ARCHIVE, long, env = "MESSAGE_RETENTION_DAYS",
        value_name = "1..36500", default_value = "90",
        value_parser = whole::<u32>(1, RETENTION_DAYS_MAX.into()))]
    archive_after_days: u32,

    /// Days after that until its messages are deleted; with 0 they never are
    #[arg(id = DELETE, long, env = "MESSAGE_HARD_DELETE_AFTER_DAYS",
        value_name = "0, 30..36500", default_value = "0", value_parser = never_or_days)]
    delete_after_days: u32,

    /// Days for which the log of a conversation is kept; who was away for longer loads it anew
    #[arg(id = "retention-log-days", long, env = "RETENTION_LOG_DAYS", value_name = "2..36500",
        default_value = "90", value_parser = whole::<u32>(LOG_DAYS_MIN.into(), RETENTION_DAYS_MAX.into()))]
    log_days: u32,
}

impl RetentionSettings {
    /// What holds where nobody says otherwise; `None`, and a fault, when the days make no policy.
    pub(super) fn kept(&self, faults: &mut Faults) -> Option<Kept> {
        let delete_after_days = Some(self.delete_after_days).filter(|days| *days != NEVER);
        let policy = RetentionPolicy::new(self.archive_after_days, delete_after_days);
        let noted = policy.map_err(|invalid| {
            let id = match invalid {
                InvalidRetention::ArchiveAfter => ARCHIVE,
                InvalidRetention::DeleteAfter => DELETE,
            };
            faults.note(Fault::new(id, invalid.to_string()));
        });
        noted.ok().map(|policy| Kept { policy, log_days: self.log_days })
    }
}

/// Reads after how many days messages are deleted. Fewer than a month would be a slip of the pen that
/// nobody can take back.
fn never_or_days(text: &str) -> Result<u32, String> {
    let days = whole::<u32>(DELETE_AFTER_DAYS_MIN.into(), RETENTION_DAYS_MAX.into());
    match text.parse() {
        Ok(NEVER) => Ok(NEVER),
        _ => days(text).map_err(|reason| format!("{reason}, or 0 for never")),
    }
}
