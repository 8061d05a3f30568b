//! How the text of a setting is read. A fault never repeats the text: it may be a secret.

use std::fmt;

use api::realtime::recovery::Offered;
use auth_jwt::SECRET_MIN_BYTES;
use clap::ValueEnum;
use secrecy::SecretString;

/// Reads a whole number from `min` to `max`, both allowed.
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

/// Reads a secret that signs tokens.
pub(super) fn secret(text: &str) -> Result<SecretString, String> {
    if text.len() < SECRET_MIN_BYTES {
        return Err(format!("must have at least {SECRET_MIN_BYTES} bytes"));
    }
    Ok(text.into())
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Yes.
    #[value(alias = "true")]
    On,
    /// No.
    #[value(alias = "false")]
    Off,
}

impl Switch {
    /// Whether it is on.
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

/// Which Socket.IO clients go on by themselves where they were cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Recovery {
    /// All but those who decline.
    #[value(alias = "true")]
    On,
    /// Those who ask for it.
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

/// Where the database is, and who we are there. Its `Debug` and `Display` hide the password.
#[derive(Clone)]
pub(crate) struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Reads a URL of PostgreSQL.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let rest = ["postgres://", "postgresql://"].iter().find_map(|it| text.strip_prefix(it));
        let names_a_place = rest.is_some_and(|rest| !rest.is_empty());
        if !names_a_place || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("must be a URL that starts with postgres:// or postgresql://".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The whole URL, password included.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// The URL with its password, before the host or in the query, as `***`. A password may hold
/// anything, an `@` too, so the last one counts.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let place = match place.rsplit_once('@') {
        Some((login, host)) => {
            let user =
                login.split_once(':').map_or(login.to_owned(), |(user, _)| format!("{user}:***"));
            format!("{user}@{host}")
        }
        None => place.to_owned(),
    };
    let hidden = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if name.contains("pass") => format!("{name}=***"),
        _ => pair.to_owned(),
    };
    let query: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).map(hidden).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{place}{mark}{}", query.join("&"))
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
        assert!(secret(&"s".repeat(31)).is_err());
        let good = secret(&"s".repeat(32)).expect("long enough");
        assert!(!format!("{good:?}").contains("sss"));
    }

    #[test]
    fn a_database_url_shows_everything_but_its_password() {
        let table = [
            ("postgres://u:pw@h:5432/d", "postgres://u:***@h:5432/d"),
            ("postgres://u:p@w:x@h/d", "postgres://u:***@h/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgresql://h/d?sslmode=require", "postgresql://h/d?sslmode=require"),
            ("postgres://h/d?user=u&password=pw&x=1", "postgres://h/d?user=u&password=***&x=1"),
            ("postgres://h/d?sslpassword=pw", "postgres://h/d?sslpassword=***"),
        ];
        for (url, shown) in table {
            let url = DatabaseUrl::parse(url).expect("a good URL");
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("pw"));
        }
    }

    #[test]
    fn what_names_no_postgresql_is_no_database_url() {
        for text in ["", "mysql://h/d", "postgres://", "h/d", "postgres://h/d e"] {
            assert!(DatabaseUrl::parse(text).is_err(), "{text}");
        }
    }
}
