use api::realtime::recovery_token::RecoveryKey;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use super::value::{Recovery, secret, whole};

/// Going on where a socket was cut off.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Resuming")]
pub(crate) struct ResumeSettings {
    /// Secret that signs what clients carry for it, the same on every node; without it `JWT_SECRET` serves, and without both every connection begins anew
    #[arg(id = "resume-signing-secret", long, env = "RESUME_SIGNING_SECRET", value_name = "SECRET",
        hide_env_values = true, value_parser = secret)]
    signing_secret: Option<SecretString>,

    /// Whether Socket.IO clients go on by themselves, for which every event has one more argument: `on` unless a client says `recovery: false`, `on-request` if it says `recovery: true`, or `off`
    #[arg(
        id = "resume-recovery",
        long,
        env = "RESUME_RECOVERY",
        value_name = "RECOVERY",
        value_enum,
        default_value = "on"
    )]
    recovery: Recovery,

    /// How long ago a client may have been cut off
    #[arg(id = "resume-age-max-s", long, env = "RESUME_AGE_MAX_S", value_name = "1..86400",
        default_value = "3600", value_parser = whole::<u64>(1, 86_400))]
    age_max_s: u64,

    /// Events it is told one by one; when it missed more, it loads anew
    #[arg(id = "resume-events-max", long, env = "RESUME_EVENTS_MAX", value_name = "1..200",
        default_value = "200", value_parser = whole::<u32>(1, 200))]
    events_max: u32,
}

impl ResumeSettings {
    /// The key that signs. `fallback` serves when no secret is given.
    pub(super) fn key(&self, fallback: Option<&SecretString>) -> Option<RecoveryKey> {
        let secret = self.signing_secret.as_ref().or(fallback)?;
        Some(RecoveryKey::derived_from(secret.expose_secret().as_bytes()))
    }

    /// To whom recovery is offered.
    pub(super) fn offered(&self) -> Recovery {
        self.recovery
    }

    /// How long ago a client may have been cut off, in milliseconds.
    pub(super) fn age_max_ms(&self) -> u64 {
        self.age_max_s * 1_000
    }

    /// Events that are told one by one.
    pub(super) fn events_max(&self) -> u32 {
        self.events_max
    }
}
