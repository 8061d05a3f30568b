//! Parsers of values, and faults. A fault never repeats the text of a value: it may be a secret.

use std::fmt;

use api::realtime::recovery_token::Offered;
use auth_jwt::{SECRET_MIN_BYTES, is_guessable};
use clap::ValueEnum;
use secrecy::SecretString;
use storage_pg::Address;

/// Parses a whole number from `min` to `max`, both allowed.
pub(super) fn whole<T: TryFrom<u64>>(
    min: u64,
    max: u64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync {
    move |text| {
        let number = text.parse().ok().filter(|number| (min..=max).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("must be a whole number from {min} to {max}"))
    }
}

/// Parses a secret that signs.
pub(super) fn secret(text: &str) -> Result<SecretString, String> {
    if text.len() < SECRET_MIN_BYTES {
        return Err(format!("must have at least {SECRET_MIN_BYTES} bytes"));
    }
    if is_guessable(text) {
        return Err(
            "must not repeat itself, nor come from an example: others could guess it".into()
        );
    }
    Ok(text.into())
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    #[value(alias = "true")]
    On,
    #[value(alias = "false")]
    Off,
}

impl Switch {
    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }
}

/// How clients may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transports {
    /// By polling, with an upgrade to WebSocket.
    #[value(name = "polling-and-websocket")]
    PollingAndWebSocket,
    /// By WebSocket alone.
    #[value(name = "websocket-only")]
    WebSocketOnly,
}

impl From<Transports> for socketio::Transports {
    fn from(transports: Transports) -> Self {
        match transports {
            Transports::PollingAndWebSocket => Self::PollingAndWebSocket,
            Transports::WebSocketOnly => Self::WebSocketOnly,
        }
    }
}

/// Which Socket.IO clients recover their connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Recovery {
    /// All but those that decline.
    #[value(alias = "true")]
    On,
    /// Those that ask for it.
    #[value(name = "on-request")]
    OnRequest,
    /// None.
    #[value(alias = "false")]
    Off,
}

impl From<Recovery> for Offered {
    fn from(recovery: Recovery) -> Self {
        match recovery {
            Recovery::On => Self::UnlessDeclined,
            Recovery::OnRequest => Self::WhenAsked,
            Recovery::Off => Self::Never,
        }
    }
}

/// Parses the URL of a database.
pub(super) fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|faults| faults.to_string())
}

/// Where a value comes from, highest precedence first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Environment,
    File,
    /// A parameter of the database's URL.
    Address,
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Address => "address",
            Self::Default => "default",
        })
    }
}

/// An invalid setting, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    subject: Subject,
    why: String,
}

/// What a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    /// The setting with this flag.
    Setting(String),
    /// Something else, by its name in messages.
    Other(String),
}

impl Fault {
    /// A fault of the setting `id`.
    pub(crate) fn new(id: &str, why: impl Into<String>) -> Self {
        Self { subject: Subject::Setting(id.to_owned()), why: why.into() }
    }

    /// A fault of something other than a setting: the file, or a key in it.
    pub(crate) fn elsewhere(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { subject: Subject::Other(what.into()), why: why.into() }
    }
}

/// All faults, at most one per setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds `fault`, unless the setting already has one, from which it may follow.
    pub(crate) fn note(&mut self, fault: Fault) {
        if self.0.iter().all(|known| known.subject != fault.subject) {
            self.0.push(fault);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One line for each fault. `title` names the setting with a flag.
    pub(crate) fn lines(&self, title: impl Fn(&str) -> String) -> String {
        let line = |Fault { subject, why }: &Fault| match subject {
            Subject::Setting(id) => format!("{}: {why}\n", title(id)),
            Subject::Other(name) => format!("{name}: {why}\n"),
        };
        self.0.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_bounds() {
        let read = whole::<u8>(1, 300);
        assert_eq!(read("1"), Ok(1));
        assert_eq!(read("255"), Ok(255));
        for text in ["", "0", "256", "301", "-1", "1.5", " 1", "one", "99999999999999999999"] {
            assert_eq!(
                read(text),
                Err("must be a whole number from 1 to 300".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_secret_is_long_enough_and_hidden() {
        let text = "bS7kq0Zt9vXw2LrN5mYc8hJd3fPgA6eU";
        assert!(secret(&text[1..]).is_err());
        let good = secret(text).expect("long enough");
        assert!(!format!("{good:?}").contains("bS7"));
    }

    #[test]
    fn a_secret_that_repeats_itself_or_comes_from_an_example_is_refused() {
        for guessable in [&"s".repeat(32), "change-me-change-this-secret-please"] {
            let why = secret(guessable).expect_err("others could guess it");
            assert!(why.starts_with("must not repeat itself"), "{why}");
        }
    }
}
