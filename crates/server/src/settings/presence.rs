use api::realtime::presence::Settings;
use clap::Args;
use domain::conversation::live::{PresencePolicy, TypingPolicy};

use super::value::whole;

/// Presence and typing indicators.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Presence and typing")]
pub(crate) struct PresenceSettings {
    /// How long a socket counts as online after the last heartbeat of its process
    #[arg(id = "presence-lease-ms", long, env = "PRESENCE_LEASE_MS", value_name = "1000..600000",
        default_value = "30000", value_parser = whole::<u64>(1_000, 600_000))]
    lease_ms: u64,

    /// How long a person counts as online after their last socket closed
    #[arg(id = "presence-grace-ms", long, env = "PRESENCE_GRACE_MS", value_name = "0..600000",
        default_value = "5000", value_parser = whole::<u64>(0, 600_000))]
    grace_ms: u64,

    /// Maximum number of people with whom one person exchanges presence
    #[arg(id = "presence-partners-per-person-max", long, env = "PRESENCE_PARTNERS_PER_PERSON_MAX",
        value_name = "1..10000", default_value = "2000", value_parser = whole::<u32>(1, 10_000))]
    partners_per_person_max: u32,

    /// How long a typing indicator is shown after the last `typing` event of a client that repeats it
    #[arg(id = "presence-typing-lease-ms", long, env = "PRESENCE_TYPING_LEASE_MS",
        value_name = "100..60000", default_value = "6000", value_parser = whole::<u64>(100, 60_000))]
    typing_lease_ms: u64,

    /// The same for a client that has never repeated it: some send it once
    #[arg(id = "presence-typing-unrepeated-lease-ms", long,
        env = "PRESENCE_TYPING_UNREPEATED_LEASE_MS", value_name = "100..600000",
        default_value = "60000", value_parser = whole::<u64>(100, 600_000))]
    typing_unrepeated_lease_ms: u64,

    /// Minimum time between two typing notifications of a person in a conversation
    #[arg(id = "presence-typing-pause-ms", long, env = "PRESENCE_TYPING_PAUSE_MS",
        value_name = "0..60000", default_value = "2000", value_parser = whole::<u64>(0, 60_000))]
    typing_pause_ms: u64,
}

impl PresenceSettings {
    /// The settings of presence.
    pub(super) fn presence(&self) -> Settings {
        Settings {
            terms: PresencePolicy { lease_ms: self.lease_ms, grace_ms: self.grace_ms },
            partners_per_person_max: self.partners_per_person_max,
        }
    }

    /// The settings of typing indicators.
    pub(super) fn typing(&self) -> TypingPolicy {
        TypingPolicy {
            lease_ms: self.typing_lease_ms,
            unrepeated_lease_ms: self.typing_unrepeated_lease_ms,
            pause_ms: self.typing_pause_ms,
        }
    }
}
