//! Database URLs, as people and Prisma write them.
//!
//! One parser for the store, the import source and `config check`. It reports all faults of a URL
//! at once, and repeats nothing of it but parameter names.

use std::{fmt, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];
/// The longest parameter name that is repeated in a fault, in characters.
const NAME_MAX_CHARS: usize = 64;
/// The longest wait that a parameter may set, in seconds, where nothing else bounds it.
const WAIT_S_MAX: u64 = 600;
/// The most connections that a parameter may set.
const CONNECTIONS_MAX: u64 = 1_000;

/// Parameters of our driver, by its names.
const DRIVER: [&str; 12] = [
    "user",
    "password",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "options",
    "application_name",
    "sslnegotiation",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];

/// Parameters of other clients without meaning here: we have no timeout per socket and no numbered
/// statement cache, the operating system's certificates are trusted, and keepalive is ours to
/// decide.
const UNUSED: [&str; 19] = [
    "statement_cache_size",
    "socket_timeout",
    "single_use_connections",
    "max_connection_lifetime",
    "max_idle_connection_lifetime",
    "sslaccept",
    "sslcert",
    "sslkey",
    "sslidentity",
    "sslpassword",
    "sslrootcert",
    "gssencmode",
    "client_encoding",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "keepalives_count",
    "tcp_user_timeout",
];

/// The location of a database, our login, and the options in its URL. Its `Debug` and `Display`
/// hide the password.
#[derive(Clone)]
pub struct Address {
    text: SecretString,
    config: Config,
    parameters: Parameters,
}

/// The options in a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parameters {
    schema: Option<String>,
    connections_max: Option<u64>,
    pool_wait: Option<Duration>,
    connect_timeout: Option<Duration>,
    names_a_pooler: bool,
    unused: Vec<&'static str>,
}

/// A fault of a database URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// It is no PostgreSQL URL.
    #[error("must be a URL that starts with postgres:// or postgresql://")]
    NotPostgres,
    /// A character is misplaced.
    #[error(
        "in a name, a password or a parameter `/`, `?`, `#`, `@`, `%` and blanks must be written as %2F, \
         %3F, %23, %40, %25 and %20"
    )]
    Encoding,
    /// It has no host.
    #[error("names no host")]
    NoHost,
    /// A port is invalid.
    #[error("the port must be a whole number from 1 to 65535")]
    Port,
    /// A parameter is unknown.
    #[error("the parameter `{0}` is unknown")]
    UnknownParameter(String),
    /// A parameter is unknown; its name may be part of a password.
    #[error("a parameter is unknown")]
    UnknownPiece,
    /// A parameter has an invalid value.
    #[error("the parameter `{name}` must be {what}")]
    Value {
        /// Its name.
        name: &'static str,
        /// The allowed values.
        what: &'static str,
    },
}

/// All faults of a URL, without any of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAddress(Vec<AddressFault>);

impl InvalidAddress {
    /// The faults.
    pub fn faults(&self) -> &[AddressFault] {
        &self.0
    }
}

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&faults.join("; "))
    }
}

impl std::error::Error for InvalidAddress {}

impl Address {
    /// Parses a URL: `postgresql://user:password@host:port/database?sslmode=require&schema=public`.
    ///
    /// # Errors
    /// [`InvalidAddress`] with all faults.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let mut faults = Vec::new();
        let read = Reader { faults: &mut faults }.read(text);
        match read {
            Some((config, parameters)) if faults.is_empty() => {
                Ok(Self { text: text.into(), config, parameters })
            }
            _ => Err(InvalidAddress(faults)),
        }
    }

    /// The whole URL, including the password.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The driver's configuration.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// `schema`: the schema of the former system's tables, for an import.
    pub fn schema(&self) -> Option<&str> {
        self.parameters.schema.as_deref()
    }

    /// `connection_limit`: the most connections.
    pub fn connections_max(&self) -> Option<u64> {
        self.parameters.connections_max
    }

    /// `pool_timeout`: how long a request waits for a connection.
    pub fn pool_wait(&self) -> Option<Duration> {
        self.parameters.pool_wait
    }

    /// `connect_timeout`: how long opening a connection may take.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.parameters.connect_timeout
    }

    /// `pgbouncer=true`: whether the URL declares a connection pooler.
    pub fn names_a_pooler(&self) -> bool {
        self.parameters.names_a_pooler
    }

    /// The ignored parameters.
    pub fn unused(&self) -> &[&'static str] {
        &self.parameters.unused
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(self.expose()))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// The URL with its password, in the authority or the query, as `***`.
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

/// Parses a URL and collects faults. A method that returns `None` has added one.
struct Reader<'f> {
    faults: &'f mut Vec<AddressFault>,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) -> Option<(Config, Parameters)> {
        let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme));
        let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
            return self.fault(AddressFault::NotPostgres);
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        // A password may contain an `@`, so the last one counts.
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let is_torn = rest.contains('#') || database.contains(['@', '/']);
        if is_torn || rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return self.fault(AddressFault::Encoding);
        }
        let mut driver = Vec::new();
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        for (name, text) in [("user", user), ("password", password), ("dbname", database)] {
            let text = self.decoded(text).filter(|text| !text.is_empty());
            driver.extend(text.map(|text| (name, text)));
        }
        self.hosts(hosts, &mut driver);
        let mut parameters = Parameters::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            self.parameter(pair, query.contains('@'), &mut driver, &mut parameters);
        }
        let names_host =
            driver.iter().any(|(name, text)| name.starts_with("host") && !text.is_empty());
        if !names_host && self.faults.is_empty() {
            return self.fault(AddressFault::NoHost);
        }
        let pairs: Vec<_> = driver.iter().map(|(name, text)| pair(name, text)).collect();
        let config: Config = pairs.join(" ").parse().ok()?;
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        if ![0, 1, hosts].contains(&config.get_ports().len()) {
            return self.fault(AddressFault::Port);
        }
        Some((config, parameters))
    }

    fn fault<T>(&mut self, fault: AddressFault) -> Option<T> {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
        None
    }

    /// `host`, `host:port` and `[address]:port`, separated by commas.
    fn hosts(&mut self, text: &str, driver: &mut Vec<(&'static str, String)>) -> Option<()> {
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for place in text.split(',').filter(|place| !place.is_empty()) {
            let (host, port) = match place.strip_prefix('[').and_then(|it| it.split_once(']')) {
                Some((host, port)) => (host, port.strip_prefix(':').unwrap_or(port)),
                None => place.rsplit_once(':').unwrap_or((place, "")),
            };
            if !port.is_empty() && !port.parse::<u16>().is_ok_and(|port| port > 0) {
                return self.fault(AddressFault::Port);
            }
            hosts.push(self.decoded(host)?);
            ports.push(port.to_owned());
        }
        if !hosts.is_empty() {
            driver.push(("host", hosts.join(",")));
        }
        if ports.iter().any(|port| !port.is_empty()) {
            driver.push(("port", ports.join(",")));
        }
        Some(())
    }

    /// Parses one parameter. `is_torn`: the query may be the end of a password, so no name in it is
    /// repeated.
    fn parameter(
        &mut self,
        pair: &str,
        is_torn: bool,
        driver: &mut Vec<(&'static str, String)>,
        parameters: &mut Parameters,
    ) -> Option<()> {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let text = self.decoded(text)?;
        if let Some(name) = DRIVER.iter().find(|known| **known == name) {
            return self.for_driver(name, text, driver);
        }
        if let Some(name) = UNUSED.iter().find(|unused| **unused == name) {
            if !parameters.unused.contains(name) {
                parameters.unused.push(name);
            }
            return Some(());
        }
        match name {
            "sslmode" => driver.push(("sslmode", self.ssl_mode(&text)?.to_owned())),
            "schema" if text.is_empty() => {
                return self.value("schema", "the name of a schema");
            }
            "schema" => parameters.schema = Some(text),
            "connection_limit" => {
                let limit = text.parse().ok().filter(|limit| (1..=CONNECTIONS_MAX).contains(limit));
                if limit.is_none() {
                    return self.value("connection_limit", "a whole number from 1 to 1000");
                }
                parameters.connections_max = limit;
            }
            "pool_timeout" => parameters.pool_wait = Some(self.wait("pool_timeout", &text)?),
            "connect_timeout" => {
                parameters.connect_timeout = Some(self.wait("connect_timeout", &text)?);
            }
            "pgbouncer" => match text.parse() {
                Ok(names_a_pooler) => parameters.names_a_pooler = names_a_pooler,
                Err(_) => return self.value("pgbouncer", "true or false"),
            },
            _ => return self.unknown(name, is_torn),
        }
        Some(())
    }

    fn for_driver(
        &mut self,
        name: &'static str,
        text: String,
        driver: &mut Vec<(&'static str, String)>,
    ) -> Option<()> {
        if pair(name, &text).parse::<Config>().is_err() {
            return self.value(name, "one of the values that PostgreSQL's own programs know");
        }
        // The query overrides the authority, as in other clients.
        driver.retain(|(known, _)| *known != name);
        driver.push((name, text));
        Some(())
    }

    /// The driver has no stricter mode than `require`, because certificate checks are up to the TLS
    /// library; ours checks everything, so the strict modes are equal. `allow` is not stricter than
    /// `prefer`.
    fn ssl_mode(&mut self, text: &str) -> Option<&'static str> {
        match text {
            "disable" => Some("disable"),
            "allow" | "prefer" => Some("prefer"),
            "require" | "verify-ca" | "verify-full" => Some("require"),
            _ => self.value("sslmode", "disable, prefer, require, verify-ca or verify-full"),
        }
    }

    /// Seconds; 0 means no limit.
    fn wait(&mut self, name: &'static str, text: &str) -> Option<Duration> {
        match text.parse() {
            Ok(0) => Some(Duration::from_secs(WAIT_S_MAX)),
            Ok(seconds) if seconds <= WAIT_S_MAX => Some(Duration::from_secs(seconds)),
            _ => self.value(name, "a whole number of seconds from 0 to 600"),
        }
    }

    fn value<T>(&mut self, name: &'static str, what: &'static str) -> Option<T> {
        self.fault(AddressFault::Value { name, what })
    }

    fn unknown<T>(&mut self, name: &str, is_torn: bool) -> Option<T> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if is_torn || name.is_empty() || name.len() > NAME_MAX_CHARS || !name.chars().all(is_name) {
            return self.fault(AddressFault::UnknownPiece);
        }
        self.fault(AddressFault::UnknownParameter(name.to_owned()))
    }

    fn decoded(&mut self, text: &str) -> Option<String> {
        match decoded(text) {
            Some(decoded) => Some(decoded),
            None => self.fault(AddressFault::Encoding),
        }
    }
}

/// `text` percent-decoded; `None` when the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let code = std::str::from_utf8(others.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(code, 16).ok().filter(|_| !code.starts_with('+'))?);
        rest = &others[2..];
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// A parameter in the driver's notation.
fn pair(name: &str, text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("{name}='{escaped}'")
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::{Host, SslMode};

    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|faults| panic!("{text}: {faults}"))
    }

    fn faults(text: &str) -> String {
        Address::parse(text).map_or_else(|faults| faults.to_string(), |_| panic!("{text} is taken"))
    }

    #[test]
    fn what_prisma_writes_is_read() {
        let address = address(
            "postgresql://salon:p%40ss%3Aw@db.example:5433/app?schema=public&connection_limit=5&pool_timeout=20\
         &connect_timeout=15&sslmode=require&statement_cache_size=0&socket_timeout=60&pgbouncer=false",
        );
        let config = address.config();
        assert_eq!(config.get_user(), Some("salon"));
        assert_eq!(config.get_password(), Some(b"p@ss:w".as_slice()));
        assert_eq!(config.get_hosts(), [Host::Tcp("db.example".to_owned())]);
        assert_eq!((config.get_ports(), config.get_dbname()), ([5433].as_slice(), Some("app")));
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.schema(), Some("public"));
        assert_eq!(address.connections_max(), Some(5));
        assert_eq!(address.pool_wait(), Some(Duration::from_secs(20)));
        assert_eq!(address.connect_timeout(), Some(Duration::from_secs(15)));
        assert!(!address.names_a_pooler());
        assert_eq!(address.unused(), ["statement_cache_size", "socket_timeout"]);
    }

    #[test]
    fn hosts_are_parsed_in_all_forms() {
        let places = |text: &str| {
            let config = address(text).config();
            let host = |host: &Host| match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            };
            let hosts: Vec<_> = config.get_hosts().iter().map(host).collect();
            (hosts.join(" "), config.get_ports().to_vec())
        };
        let table = [
            ("postgres://h", "h", vec![]),
            ("postgres://u@h/d", "h", vec![]),
            ("postgres://u:p@w:x@h:1/d", "h", vec![1]),
            ("postgres://u@[::1]:5432/d", "::1", vec![5432]),
            ("postgres://u@[::1]/d", "::1", vec![]),
            ("postgres://u@h1:1,h2/d", "h1 h2", vec![1, 5432]),
            ("postgres://u@%2Frun%2Fpg/d", "/run/pg", vec![]),
            ("postgresql://u@localhost:5432/d?host=/run/pg", "/run/pg", vec![5432]),
            ("postgresql:///d?host=h&port=7", "h", vec![7]),
        ];
        for (text, hosts, ports) in table {
            assert_eq!(places(text), (hosts.to_owned(), ports), "{text}");
        }
    }

    #[test]
    fn a_password_with_an_at_sign_does_not_become_a_host() {
        let config = address("postgres://u:p@w:x@h/d").config();
        assert_eq!(config.get_password(), Some(b"p@w:x".as_slice()));
    }

    #[test]
    fn every_strictness_is_understood() {
        for (word, mode) in [
            ("disable", SslMode::Disable),
            ("allow", SslMode::Prefer),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::Require),
            ("verify-full", SslMode::Require),
        ] {
            let config = address(&format!("postgres://db/m?sslmode={word}")).config();
            assert_eq!(config.get_ssl_mode(), mode, "{word}");
        }
        assert_eq!(address("postgres://db/m").config().get_ssl_mode(), SslMode::Prefer);
    }

    #[test]
    fn no_bound_elsewhere_is_our_longest_one() {
        let address = address("postgres://db/m?pool_timeout=0&connect_timeout=0&pgbouncer=true");
        let most = Some(Duration::from_mins(10));
        assert_eq!((address.pool_wait(), address.connect_timeout()), (most, most));
        assert!(address.names_a_pooler());
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let all = faults(
            "postgres://u:geheim@h/d?conection_limit=5&connection_limit=0&pool_timeout=x&sslmode=maybe&pgbouncer=1\
         &schema=&target_session_attrs=any_of&ssl.mode=on",
        );
        for fault in [
            "the parameter `conection_limit` is unknown",
            "the parameter `connection_limit` must be a whole number from 1 to 1000",
            "the parameter `pool_timeout` must be a whole number of seconds from 0 to 600",
            "the parameter `sslmode` must be disable, prefer, require, verify-ca or verify-full",
            "the parameter `pgbouncer` must be true or false",
            "the parameter `schema` must be the name of a schema",
            "the parameter `target_session_attrs` must be",
            "the parameter `ssl.mode` is unknown",
        ] {
            assert!(all.contains(fault), "{fault} in {all}");
        }
        assert!(!all.contains("geheim"), "{all}");
    }

    #[test]
    fn other_urls_are_refused_without_repeating_a_secret() {
        let table = [
            ("", "must be a URL that starts with"),
            ("mysql://u:geheim@h/d", "must be a URL that starts with"),
            ("postgres://", "must be a URL that starts with"),
            ("h/d", "must be a URL that starts with"),
            ("postgres://h/geheim d", "must be written as"),
            ("postgres://u:geheim\n@h/d", "must be written as"),
            ("postgres://u:ge/heim@h/d", "must be written as"),
            ("postgres://u:12/geheim@h/d", "must be written as"),
            ("postgres://u:ge#heim@h/d", "must be written as"),
            ("postgres://u:%geheim@h/d", "must be written as"),
            ("postgres://u:%FFgeheim@h/d", "must be written as"),
            ("postgres://u:ge?heim@h/d", "the port must be"),
            ("postgres://12:34?heim=1@h/d", "a parameter is unknown"),
            ("postgres://h:geheim/d", "the port must be"),
            ("postgres://h:0/d", "the port must be"),
            ("postgres://h:65536/d", "the port must be"),
            ("postgres://h/d?port=1,2", "the port must be"),
            ("postgres:///d", "names no host"),
            ("postgres://u:geheim@/d", "names no host"),
        ];
        for (text, why) in table {
            let message = faults(text);
            assert!(message.contains(why), "{text}: {message}");
            assert!(!message.contains("heim"), "{text}: {message}");
        }
    }

    #[test]
    fn an_address_shows_everything_but_its_password() {
        let table = [
            ("postgres://u:pw@h:5432/d", "postgres://u:***@h:5432/d"),
            ("postgres://u:p@w:x@h/d", "postgres://u:***@h/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgresql://h/d?sslmode=require", "postgresql://h/d?sslmode=require"),
            (
                "postgres://h/d?user=u&password=pw&schema=x",
                "postgres://h/d?user=u&password=***&schema=x",
            ),
            ("postgres://h/d?sslpassword=pw", "postgres://h/d?sslpassword=***"),
        ];
        for (text, shown) in table {
            let address = address(text);
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?} {:?}", address.config()).contains("pw"));
        }
    }
}
