use clap::Args;
use domain::{mail::MailPolicy, time::Zone};

use crate::config::value::whole;

/// When mail leaves.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub(crate) struct PaceSettings {
    /// How long a message waits to be read before a mail tells of it
    #[arg(id = "mail-delay-ms", long, env = "MAIL_DELAY_MS", value_name = "0..86400000",
        default_value = "300000", value_parser = whole::<u64>(0, 86_400_000))]
    delay_ms: u64,

    /// The shortest time between two mails about one conversation
    #[arg(id = "mail-pause-ms", long, env = "MAIL_PAUSE_MS", value_name = "0..86400000",
        default_value = "3600000", value_parser = whole::<u64>(0, 86_400_000))]
    pause_ms: u64,

    /// The most mails that one person gets within a minute
    #[arg(id = "mail-per-minute-max", long, env = "MAIL_PER_MINUTE_MAX", value_name = "1..1000",
        default_value = "10", value_parser = whole::<u32>(1, 1_000))]
    per_minute_max: u32,

    /// The hour at which the daily mail leaves, by the clock of whoever gets it
    #[arg(id = "mail-daily-hour", long, env = "MAIL_DAILY_HOUR", value_name = "0..23",
        default_value = "9", value_parser = whole::<u8>(0, 23))]
    daily_hour: u8,

    /// How old a message gets of which no mail told yet, when none could leave for long; of older ones there is no mail
    #[arg(id = "mail-notice-age-max-days", long, env = "MAIL_NOTICE_AGE_MAX_DAYS", value_name = "4..3650",
        default_value = "7", value_parser = whole::<u64>(NOTICE_AGE_MIN_DAYS, 3_650))]
    notice_age_max_days: u64,
}

/// A delay, a pause, a daily mail and quiet hours, a day each at the most, may all come together.
const NOTICE_AGE_MIN_DAYS: u64 = 4;
const DAY_MS: u64 = 86_400_000;

impl PaceSettings {
    /// The terms, by the clock of `zone` for people who have none.
    pub(super) fn terms(&self, zone: Zone) -> MailPolicy {
        MailPolicy {
            delay_ms: self.delay_ms,
            conversation_pause_ms: self.pause_ms,
            per_minute_max: self.per_minute_max,
            daily_hour: self.daily_hour,
            zone,
            notice_age_max_ms: self.notice_age_max_days * DAY_MS,
        }
    }
}
