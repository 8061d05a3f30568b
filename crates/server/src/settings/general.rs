use std::{path::PathBuf, sync::Arc, time::Duration};

use auth_jwt::{JwtVerifier, KeyError, Settings};
use clap::{Args, ValueEnum};
use domain::{
    retention::{
        DELETE_AFTER_DAYS_MIN, InvalidRetention, LOG_DAYS_MIN, RETENTION_DAYS_MAX, RetentionPolicy,
        RetentionSettings as Retention,
    },
    time::Zone,
};
use secrecy::SecretString;

use super::value::{Fault, Faults, Switch, secret, whole};
use crate::{ports::SystemClock, tokens::KeyFile};

/// The name of the environment for developers. Any other one, and none, is production: a name that was forgotten or
/// misspelt must not open anything.
const DEVELOPMENT: &str = "development";

/// The environment.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "General")]
pub(crate) struct GeneralSettings {
    /// Name of the environment; only `development` opens what is for developers: the documentation, `demo`, pages on localhost, mail into a folder
    #[arg(id = "general-environment", long, env = "NODE_ENV", value_name = "NAME")]
    environment: Option<String>,
}

impl GeneralSettings {
    /// Whether this is a production environment: any but that of developers.
    pub(crate) fn in_production(&self) -> bool {
        self.environment.as_deref() != Some(DEVELOPMENT)
    }
}

/// Appointment events.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Appointments")]
pub(crate) struct AppointmentSettings {
    /// Time zone of a salon without one in the event and in its profile
    #[arg(id = "appointments-time-zone", long, env = "APPOINTMENTS_TIME_ZONE",
        value_name = "IANA name", default_value = "Europe/Paris", value_parser = zone)]
    time_zone: Zone,
}

impl AppointmentSettings {
    pub(super) fn zone(&self) -> Zone {
        self.time_zone.clone()
    }
}

fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).map_err(|_| "must be a time zone such as Europe/Paris".to_owned())
}

/// Logging.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogSettings {
    /// One JSON object per line, or human-readable lines
    #[arg(
        id = "log-format",
        long,
        env = "LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value = "json"
    )]
    pub(crate) format: Format,

    /// Minimum level that is logged
    #[arg(
        id = "log-level",
        long,
        env = "LOG_LEVEL",
        value_name = "LEVEL",
        value_enum,
        default_value = "info"
    )]
    pub(crate) level: Level,

    /// Directives in place of the level, such as `info,api=debug`; libraries stay at `info`
    #[arg(id = "log-filter", long, env = "RUST_LOG", value_name = "DIRECTIVES",
        value_parser = directives)]
    pub(crate) filter: Option<String>,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object per line.
    Json,
    /// Human-readable lines.
    Human,
}

/// The level of a log record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Needs action.
    Error,
    /// May need action.
    Warn,
    /// Normal operation.
    Info,
    /// Details for debugging.
    Debug,
    /// Every step.
    Trace,
}

impl Level {
    /// Its name in directives.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

fn directives(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be directives such as `info,api=debug`".to_owned()),
    }
}

const ARCHIVE: &str = "retention-archive-after-days";
const DELETE: &str = "retention-delete-after-days";
/// The number of days that means never.
const NEVER: u32 = 0;

/// Data retention. Two variables have the names that the legacy service gave them.
#[expect(clippy::struct_field_names, reason = "the unit of a setting is part of its name")]
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Retention")]
pub(crate) struct RetentionSettings {
    /// Days without a message after which a conversation is archived, unless the platform sets another policy
    #[arg(id = ARCHIVE, long, env = "MESSAGE_RETENTION_DAYS",
        value_name = "1..36500", default_value = "90",
        value_parser = whole::<u32>(1, RETENTION_DAYS_MAX.into()))]
    archive_after_days: u32,

    /// Days after archiving until the messages are deleted; 0 for never
    #[arg(id = DELETE, long, env = "MESSAGE_HARD_DELETE_AFTER_DAYS",
        value_name = "0, 30..36500", default_value = "0", value_parser = never_or_days)]
    delete_after_days: u32,

    /// Days for which the event log of a conversation is kept; clients that were offline for longer reload it
    #[arg(id = "retention-log-days", long, env = "RETENTION_LOG_DAYS", value_name = "2..36500",
        default_value = "90", value_parser = whole::<u32>(LOG_DAYS_MIN.into(), RETENTION_DAYS_MAX.into()))]
    log_days: u32,
}

impl RetentionSettings {
    /// The default policy; `None`, and a fault, if the days are invalid.
    pub(super) fn check(&self, faults: &mut Faults) -> Option<Retention> {
        let delete_after_days = Some(self.delete_after_days).filter(|days| *days != NEVER);
        let policy = RetentionPolicy::new(self.archive_after_days, delete_after_days);
        let policy = policy.map_err(|invalid| {
            let id = match invalid {
                InvalidRetention::ArchiveAfter => ARCHIVE,
                InvalidRetention::DeleteAfter => DELETE,
            };
            faults.note(Fault::new(id, invalid.to_string()));
        });
        policy.ok().map(|policy| Retention { policy, log_days: self.log_days })
    }
}

/// Parses the days after which messages are deleted. Fewer than 30 are refused: a mistake could not be undone.
fn never_or_days(text: &str) -> Result<u32, String> {
    let days = whole::<u32>(DELETE_AFTER_DAYS_MIN.into(), RETENTION_DAYS_MAX.into());
    match text.parse() {
        Ok(NEVER) => Ok(NEVER),
        _ => days(text).map_err(|reason| format!("{reason}, or 0 for never")),
    }
}

/// How long a token can be valid at most, in milliseconds, with a day for clocks that differ.
const TOKEN_AGE_MAX_MS: u64 = (auth_jwt::EXPIRY_MAX_DAYS.unsigned_abs() + 1) * 86_400_000;

const SECRET: &str = "tokens-secret";
const JWKS_FILE: &str = "tokens-jwks-file";

/// The keys and claims of accepted tokens. A secret or a key set is required.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Tokens")]
pub(crate) struct TokenSettings {
    /// Secret shared with the issuer (HS256), at least 32 bytes
    #[arg(id = SECRET, long, env = "JWT_SECRET", value_name = "SECRET", hide_env_values = true,
        value_parser = secret)]
    secret: Option<SecretString>,

    /// Former secret, which verifies tokens too while the issuer changes to another one; signs nothing
    #[arg(id = "tokens-previous-secret", long, env = "JWT_PREVIOUS_SECRET", value_name = "SECRET",
        hide_env_values = true, value_parser = secret)]
    previous_secret: Option<SecretString>,

    /// Secret for the tokens of programs that call `/internal` alone (HS256); if not set, the keys of people sign them too
    #[arg(id = "tokens-service-secret", long, env = "JWT_SERVICE_SECRET", value_name = "SECRET",
        hide_env_values = true, value_parser = secret)]
    service_secret: Option<SecretString>,

    /// File with the issuer's public keys (RS256, ES256, `EdDSA`) as a JSON Web Key Set
    #[arg(id = JWKS_FILE, long, env = "JWT_JWKS_FILE", value_name = "FILE")]
    jwks_file: Option<PathBuf>,

    /// How often the file is looked at for a change; 0 for at start only
    #[arg(id = "tokens-jwks-check-interval-s", long, env = "JWT_JWKS_CHECK_INTERVAL_S",
        value_name = "0..86400", default_value = "10", value_parser = whole::<u64>(0, 86_400))]
    jwks_check_interval_s: u64,

    /// Required `iss` of tokens
    #[arg(id = "tokens-issuer", long, env = "JWT_ISSUER", value_name = "NAME")]
    issuer: Option<String>,

    /// Required `aud` of tokens of people
    #[arg(id = "tokens-audience", long, env = "JWT_AUDIENCE", value_name = "NAME")]
    audience: Option<String>,

    /// Required `aud` of tokens of programs that call `/internal`
    #[arg(
        id = "tokens-service-audience",
        long,
        env = "JWT_SERVICE_AUDIENCE",
        value_name = "NAME",
        default_value = auth_jwt::SERVICE_AUDIENCE
    )]
    service_audience: String,

    /// Whether tokens of people must expire (`exp`), at most 400 days ahead; `off` only until the issuer has replaced older tokens
    #[arg(
        id = "tokens-exp-required",
        long,
        env = "JWT_EXP_REQUIRED",
        value_name = "SWITCH",
        value_enum,
        default_value = "on"
    )]
    exp_required: Switch,

    /// How much the issuer's clock may differ
    #[arg(id = "tokens-leeway-s", long, env = "JWT_LEEWAY_S", value_name = "0..300",
        default_value = "0", value_parser = whole::<u32>(0, 300))]
    leeway_s: u32,

    /// How often it is read which tokens were revoked and who was erased; on other nodes a socket outlives its token by up to twice this
    #[arg(id = "tokens-ended-read-interval-ms", long, env = "JWT_ENDED_READ_INTERVAL_MS",
        value_name = "100..600000", default_value = "2000", value_parser = whole::<u64>(100, 600_000))]
    ended_read_interval_ms: u64,
}

impl TokenSettings {
    /// Revocation. Without an end of all tokens each revocation is kept for ever.
    pub(super) fn session_ends(&self) -> api::session_ends::Settings {
        let token_age_ms = u64::from(self.leeway_s) * 2_000 + TOKEN_AGE_MAX_MS;
        api::session_ends::Settings {
            read_interval_ms: self.ended_read_interval_ms,
            token_age_max_ms: self.exp_required.is_on().then_some(token_age_ms),
        }
    }

    /// The secret shared with the issuer.
    pub(super) fn secret(&self) -> Option<&SecretString> {
        self.secret.as_ref()
    }

    /// The file with public keys, if it is looked at for changes.
    pub(super) fn key_file(&self) -> Option<KeyFile> {
        let interval = Duration::from_secs(self.jwks_check_interval_s);
        let path = self.jwks_file.clone().filter(|_| !interval.is_zero())?;
        Some(KeyFile { path, interval })
    }

    /// The settings, with the key set read from its file. Checks that a verifier can be made of them.
    pub(super) fn check(&self, faults: &mut Faults) -> Option<Settings> {
        let jwks = self.jwks_file.as_ref().map(std::fs::read_to_string).transpose();
        let jwks = match jwks {
            Ok(jwks) => jwks,
            Err(cause) => {
                faults.note(Fault::new(JWKS_FILE, format!("cannot be read: {}", cause.kind())));
                return None;
            }
        };
        let settings = Settings {
            secret: self.secret.clone(),
            previous_secret: self.previous_secret.clone(),
            service_secret: self.service_secret.clone(),
            jwks,
            exp_required: self.exp_required.is_on(),
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            service_audience: self.service_audience.clone(),
            leeway_s: self.leeway_s,
        };
        match JwtVerifier::new(&settings, Arc::new(SystemClock)) {
            Ok(_) => Some(settings),
            Err(cause) => {
                faults.note(fault_of(cause));
                None
            }
        }
    }
}

fn fault_of(cause: KeyError) -> Fault {
    match cause {
        KeyError::NoKeys => Fault::new(SECRET, "is missing, and so is a key set".to_owned()),
        KeyError::NoSecret | KeyError::SecretTooShort | KeyError::SecretGuessable => {
            Fault::new(SECRET, cause.to_string())
        }
        _ => Fault::new(JWKS_FILE, cause.to_string()),
    }
}
