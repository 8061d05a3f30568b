//! Opens connections, by the settings of the store.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use diesel::{QueryableByName, result::Error, sql_types::Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::ports::StoreError;
use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{
    Client, Config, Connection, NoTls, Socket,
    config::{Host, SslMode},
    tls::{MakeTlsConnect, NoTlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    address::{Address, InvalidAddress},
    error::Failure,
    query::{Statements, prepared},
};

/// How long a peer may leave data unacknowledged, and a silent connection unprobed.
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens connections with fixed settings.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    statements: Statements,
    /// It was said that connections are not encrypted.
    has_warned: Arc<AtomicBool>,
}

/// A meaningless setting that marks our sessions. PostgreSQL accepts any name of two parts.
const SESSION_MARK: &str = "messaging.session";

/// The error that [`Connector::check_session`] has the server raise when the mark is missing.
const MARK_LOST: &str = "the settings of the session were dropped";

/// Has the server answer a session in English, where our role may choose that: a superuser, or from
/// PostgreSQL 15 one with `GRANT SET ON PARAMETER lc_messages`. It is a statement of its own, because
/// PostgreSQL refuses a connection whose startup options its role may not set.
const ANSWER_IN_ENGLISH: &str = "DO $$ BEGIN
    SET lc_messages TO 'C';
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$";

impl Connector {
    /// Connections for requests: bounded statements, durable commits (D7), UTC.
    pub(crate) fn for_requests(
        settings: &Settings,
        statements: Statements,
    ) -> Result<Self, InvalidSettings> {
        // All statements find their rows by keys, so one plan suits all values. Left to choose, PostgreSQL
        // plans the short ones anew each time, which costs more than running them.
        let session = format!(
            "-c timezone=UTC -c synchronous_commit=on -c jit=off \
             -c plan_cache_mode=force_generic_plan -c statement_timeout={} -c lock_timeout={} \
             -c idle_in_transaction_session_timeout={}",
            settings.statement_timeout_ms,
            settings.lock_wait_ms_max,
            settings.idle_in_transaction_timeout_ms,
        );
        Self::new(settings, &session, statements)
    }

    /// Connections for lanes: as for requests. Their statements look up a few rows each, by indexes. A
    /// plan is kept, and while a table is empty, reading it whole looks best; it would still be read whole,
    /// with conversations locked, when it has grown.
    pub(crate) fn for_lanes(settings: &Settings) -> Result<Self, InvalidSettings> {
        let mut connector = Self::for_requests(settings, Statements::default())?;
        let options = connector.config.get_options().unwrap_or_default();
        let options = format!(
            "{options} -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
        );
        connector.config.options(options);
        Ok(connector)
    }

    /// Connections for migrations: no statement timeout, with our schema as the search path. The wait for
    /// a lock has an end: whoever comes later to the table waits behind it.
    pub(crate) fn for_migrations(settings: &Settings) -> Result<Self, InvalidSettings> {
        let session = format!(
            "-c timezone=UTC -c statement_timeout=0 -c lock_timeout={} -c search_path=messaging",
            settings.lock_wait_ms_max,
        );
        Self::new(settings, &session, Statements::default())
    }

    fn new(
        settings: &Settings,
        session: &str,
        statements: Statements,
    ) -> Result<Self, InvalidSettings> {
        let mut config = Address::parse(settings.url.expose_secret())?.config();
        let options = match config.get_options() {
            Some(theirs) => format!("{theirs} {session}"),
            None => session.to_owned(),
        };
        config
            .options(options)
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            .keepalives_idle(PEER_TIMEOUT)
            .tcp_user_timeout(PEER_TIMEOUT);
        if config.get_application_name().is_none() {
            config.application_name("messaging");
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            SslMode::Prefer => verifying().ok(),
            _ => Some(verifying().map_err(|_| InvalidSettings::NoTrustedCertificates)?),
        };
        Ok(Self { config, tls, statements, has_warned: Arc::default() })
    }

    /// Checks that a session has the settings it was opened with. Behind a connection pooler it may
    /// have those of another session, or the pooler refuses ours. The mark is a unique number: any
    /// other setting may match by chance, set for the role or the database.
    ///
    /// # Errors
    /// [`Class::Pooler`](crate::error::Class::Pooler) if they differ; another failure if that could
    /// not be checked.
    pub(crate) async fn check_session(&self) -> Result<(), Failure> {
        let mark = RandomState::new().build_hasher().finish();
        let mut marked = self.clone();
        let options = self.config.get_options().unwrap_or_default();
        marked.config.options(format!("{options} -c {SESSION_MARK}={mark:x}"));
        let mut connection = marked.connect().await?;
        // Not prepared: a pooler may run prepared statements on another connection.
        let check = format!(
            "DO $$ BEGIN
                IF current_setting('{SESSION_MARK}', true) IS DISTINCT FROM '{mark:x}' THEN
                    RAISE EXCEPTION '{MARK_LOST}';
                END IF;
            END $$"
        );
        match connection.batch_execute(&check).await {
            Err(Error::DatabaseError(_, error)) if error.message() == MARK_LOST => {
                Err(Failure::pooler())
            }
            outcome => Ok(outcome?),
        }
    }

    /// Opens a connection. Its session answers in English if our role may choose that, so that
    /// failures of Diesel's statements can be told apart.
    pub(crate) async fn connect(&self) -> Result<AsyncPgConnection, Failure> {
        let mut connection = match self.open().await? {
            Opened::Encrypted(client, connection) => {
                AsyncPgConnection::try_from_client_and_connection(client, *connection).await?
            }
            Opened::InTheClear(client, connection) => {
                AsyncPgConnection::try_from_client_and_connection(client, *connection).await?
            }
        };
        connection.batch_execute(ANSWER_IN_ENGLISH).await?;
        connection.set_instrumentation(self.statements.clone());
        Ok(connection)
    }

    /// Opens a connection for statements that Diesel has no part in. It is driven by the runtime of the
    /// caller.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Ok(match self.open().await? {
            Opened::Encrypted(client, connection) => driven(client, *connection),
            Opened::InTheClear(client, connection) => driven(client, *connection),
        })
    }

    async fn open(&self) -> Result<Opened, Failure> {
        if let Some(tls) = &self.tls {
            match self.config.connect(tls.clone()).await {
                Ok((client, connection)) => {
                    return Ok(Opened::Encrypted(client, Box::new(connection)));
                }
                Err(error)
                    if self.config.get_ssl_mode() == SslMode::Prefer && is_about_tls(&error) => {}
                Err(error) => return Err(Failure::connecting(&error)),
            }
        }
        let mut config = self.config.clone();
        config.ssl_mode(SslMode::Disable);
        let opened = config.connect(NoTls).await;
        let (client, connection) = opened.map_err(|error| Failure::connecting(&error))?;
        if is_elsewhere(&config) && !self.has_warned.swap(true, Relaxed) {
            tracing::warn!(
                "the connection to the database on another machine is not encrypted: sslmode=require in its URL asks for that"
            );
        }
        Ok(Opened::InTheClear(client, Box::new(connection)))
    }
}

/// Whether one of the hosts of `config` is another machine.
fn is_elsewhere(config: &Config) -> bool {
    let is_other = |host: &Host| match host {
        Host::Tcp(name) => {
            let address = name.parse::<IpAddr>();
            name != "localhost" && !address.is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => false,
    };
    let addresses = config.get_hostaddrs();
    if addresses.is_empty() {
        config.get_hosts().iter().any(is_other)
    } else {
        addresses.iter().any(|address| !address.is_loopback())
    }
}

type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// A connection that nobody drives yet.
enum Opened {
    Encrypted(Client, Box<Connection<Socket, TlsStream>>),
    InTheClear(Client, Box<Connection<Socket, NoTlsStream>>),
}

/// Drives the connection of `client` until it ends.
fn driven<S, T>(client: Client, connection: Connection<S, T>) -> Client
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        // Whoever waits for an answer is told that it is lost.
        if let Err(error) = connection.await {
            let failure = Failure::from(error);
            tracing::debug!(%failure, "a connection of a lane was lost");
        }
    });
    client
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

// The language of the server's messages.

/// Provokes an error and keeps its message. It is caught in the server, whose log stays clean.
const KEEP_A_MESSAGE: &str = "DO $$ BEGIN
    PERFORM 1 / 0;
EXCEPTION WHEN division_by_zero THEN
    PERFORM set_config('messaging.message', SQLERRM, false);
END $$";

/// The message that was kept, and the setting of its language.
const KEPT_MESSAGE: &str = "SELECT current_setting('messaging.message') AS message,
    current_setting('lc_messages') AS lc_messages";

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Text)]
    message: String,
    #[diesel(sql_type = Text)]
    lc_messages: String,
}

/// The `lc_messages` of our sessions, if the server does not answer them in English. Then some
/// timeouts, deadlocks and full disks are not recognised, and are internal errors.
///
/// The setting alone does not tell: the server may have no translations, and its environment
/// variable `LANGUAGE` outranks the setting's name.
///
/// # Errors
/// If the database cannot be asked.
pub async fn foreign_messages(settings: &Settings) -> Result<Option<String>, StoreError> {
    let connector = Connector::for_requests(settings, Statements::default());
    let connector = connector.map_err(|invalid| StoreError::Internal(Box::new(invalid)))?;
    Ok(connector.foreign_messages().await?)
}

impl Connector {
    async fn foreign_messages(&self) -> Result<Option<String>, Failure> {
        let mut connection = self.connect().await?;
        connection.batch_execute(KEEP_A_MESSAGE).await?;
        let kept: Kept = prepared(KEPT_MESSAGE).get_result(&mut connection).await?;
        Ok((kept.message != "division by zero").then_some(kept.lc_messages))
    }
}

// TLS.

/// Verifies the server's certificate and host name against the operating system's trust store.
///
/// # Errors
/// If the trust store is empty.
pub(crate) fn verifying() -> Result<MakeRustlsConnect, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Whether `error` is a TLS error, and not one of the network or the server.
pub(crate) fn is_about_tls(error: &tokio_postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>()
            || inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        source = error.source();
    }
    false
}

// Settings.

/// The settings of the store's database. Every bound has its unit in its name.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database URL: `postgres://user:password@host:port/database?sslmode=…`, parsed by
    /// [`Address`](crate::Address).
    ///
    /// `sslmode` is one of
    /// - `disable`: unencrypted;
    /// - `prefer`, the default: encrypted if the server offers it with a certificate that this
    ///   machine trusts, otherwise unencrypted. For a database on the same machine or a trusted
    ///   network;
    /// - `require`, `verify-ca`, `verify-full`: encrypted, and the certificate must be valid for the
    ///   host. All three check everything: encryption without it protects from nobody who can
    ///   answer in the server's place.
    ///
    /// Trusted is what the operating system trusts; add a private authority with the environment
    /// variable `SSL_CERT_FILE`.
    pub url: SecretString,
    /// The most connections.
    pub pool_connections_max: usize,
    /// The most requests waiting for a connection. Further ones fail as busy at once.
    pub pool_waiters_max: usize,
    /// How long a request waits for a connection, in milliseconds.
    pub pool_wait_ms_max: u64,
    /// How long opening a connection may take, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long a statement may run, including lock waits, in milliseconds.
    pub statement_timeout_ms: u32,
    /// How long a statement may wait for a lock, in milliseconds.
    pub lock_wait_ms_max: u32,
    /// How long a transaction may be idle, in milliseconds.
    pub idle_in_transaction_timeout_ms: u32,
    /// How long a migration may wait for another session's migration, in milliseconds.
    pub migration_lock_wait_ms_max: u64,
    /// The number of conversations whose participants are cached.
    pub parties_cache_entries_max: usize,
    /// The number of lanes, each with a connection of its own, on which changes of conversations are
    /// committed.
    pub lanes: usize,
    /// The most commands waiting for all lanes. Further ones fail as busy at once.
    pub lane_queue_commands_max: usize,
    /// The most commands of a commit.
    pub lane_batch_commands_max: usize,
    /// The most bytes of the commands of a commit, unless it is a single one.
    pub lane_batch_bytes_max: usize,
    /// The most commands that run outside of batches at a time: each has a connection of its own, and
    /// may wait there for the lock of its conversation.
    pub lane_lock_waits_max: usize,
}

impl Settings {
    /// The default bounds for the database at `url`.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            pool_connections_max: 16,
            pool_waiters_max: 1_024,
            pool_wait_ms_max: 2_000,
            connect_timeout_ms: 5_000,
            statement_timeout_ms: 5_000,
            lock_wait_ms_max: 3_000,
            idle_in_transaction_timeout_ms: 5_000,
            migration_lock_wait_ms_max: 30_000,
            parties_cache_entries_max: 100_000,
            lanes: 2,
            lane_queue_commands_max: 1_024,
            lane_batch_commands_max: 64,
            lane_batch_bytes_max: 262_144,
            lane_lock_waits_max: 4,
        }
    }
}

/// Why the settings are unusable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// The database URL is invalid.
    #[error("the address of the database cannot be used")]
    Address(#[from] InvalidAddress),
    /// A bound is 0.
    #[error("`{0}` must be at least 1")]
    Zero(&'static str),
    /// Encryption is required and this machine trusts no certificate authority.
    #[error(
        "the operating system has no certificates to trust; set SSL_CERT_FILE or sslmode=disable"
    )]
    NoTrustedCertificates,
    /// The operating system could not start a thread.
    #[error("the operating system gives us no thread for connections")]
    NoThread,
}

/// A transaction that takes longer than so many statements may is given up, with its connection: the
/// server does not even end statements in time.
const TRANSACTION_STATEMENTS: u32 = 3;

impl Settings {
    /// How long a transaction may take.
    pub(crate) fn transaction_time_max(&self) -> Duration {
        TRANSACTION_STATEMENTS * Duration::from_millis(self.statement_timeout_ms.into())
    }

    /// Checks that no bound is 0: that would mean "never" or, to PostgreSQL, "no bound".
    pub(crate) fn check(&self) -> Result<(), InvalidSettings> {
        let bounds = [
            ("pool_connections_max", self.pool_connections_max == 0),
            ("pool_wait_ms_max", self.pool_wait_ms_max == 0),
            ("connect_timeout_ms", self.connect_timeout_ms == 0),
            ("statement_timeout_ms", self.statement_timeout_ms == 0),
            ("lock_wait_ms_max", self.lock_wait_ms_max == 0),
            ("idle_in_transaction_timeout_ms", self.idle_in_transaction_timeout_ms == 0),
            ("lanes", self.lanes == 0),
            ("lane_queue_commands_max", self.lane_queue_commands_max == 0),
            ("lane_batch_commands_max", self.lane_batch_commands_max == 0),
            ("lane_batch_bytes_max", self.lane_batch_bytes_max == 0),
            ("lane_lock_waits_max", self.lane_lock_waits_max == 0),
        ];
        match bounds.into_iter().find(|(_, zero)| *zero) {
            Some((name, _)) => Err(InvalidSettings::Zero(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod settings_tests {
    use super::*;

    #[test]
    fn the_address_of_the_database_is_not_shown() {
        let settings = Settings::new("postgres://salon:hunter2@db.example/messaging");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn a_bound_of_nothing_is_refused() {
        let good = Settings::new("postgres://localhost/messaging");
        assert_eq!(good.check(), Ok(()));
        let bad = Settings { statement_timeout_ms: 0, ..good };
        assert_eq!(bad.check(), Err(InvalidSettings::Zero("statement_timeout_ms")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_on_another_machine_is_told_from_one_on_this() {
        let is_elsewhere = |url: &str| is_elsewhere(&Address::parse(url).expect("good").config());
        for here in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            assert!(!is_elsewhere(&format!("postgres://{here}/m")), "{here}");
        }
        for there in ["db", "db.example", "10.0.0.5", "[2001:db8::1]", "localhost,db"] {
            assert!(is_elsewhere(&format!("postgres://{there}/m")), "{there}");
        }
        assert!(!is_elsewhere("postgres://db/m?hostaddr=127.0.0.1"));
    }

    #[test]
    fn options_of_the_address_are_kept_and_ours_win() {
        let settings = Settings::new("postgres://db/m?options=-c%20timezone%3DCET");
        let connector = Connector::for_requests(&settings, Statements::default()).expect("good");
        let options = connector.config.get_options().expect("some");
        assert!(options.starts_with("-c timezone=CET -c timezone=UTC"));
        assert!(options.contains("-c statement_timeout=5000 -c lock_timeout=3000"));
    }
}
