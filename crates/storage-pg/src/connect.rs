//! Opens connections.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use diesel::result::Error;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::ExposeSecret;
use tokio_postgres::{Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    address::Address,
    error::Failure,
    pool::{InvalidSettings, Settings},
    query::Statements,
};

/// How long a peer may leave data unacknowledged, and a silent connection unprobed.
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens connections with fixed settings.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    statements: Statements,
}

/// A meaningless setting that marks our sessions. PostgreSQL accepts any name of two parts.
const SESSION_MARK: &str = "messaging.session";

/// The error that [`Connector::check_session`] has the server raise when the mark is missing.
const MARK_LOST: &str = "the settings of the session were dropped";

impl Connector {
    /// Connections for requests: bounded statements, durable commits (D7), UTC.
    pub(crate) fn for_requests(
        settings: &Settings,
        statements: Statements,
    ) -> Result<Self, InvalidSettings> {
        let session = format!(
            "-c timezone=UTC -c synchronous_commit=on -c jit=off -c statement_timeout={} \
             -c idle_in_transaction_session_timeout={}",
            settings.statement_timeout_ms, settings.idle_in_transaction_timeout_ms,
        );
        Self::new(settings, &session, statements)
    }

    /// Connections for migrations: no statement timeout, with our schema as the search path.
    pub(crate) fn for_migrations(settings: &Settings) -> Result<Self, InvalidSettings> {
        let session = "-c timezone=UTC -c statement_timeout=0 -c search_path=messaging";
        Self::new(settings, session, Statements::default())
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
        Ok(Self { config, tls, statements })
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

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<AsyncPgConnection, Failure> {
        let opened = match &self.tls {
            Some(tls) => self.connect_encrypted(tls.clone()).await,
            None => self.connect_in_the_clear().await,
        };
        let mut connection = opened?;
        connection.set_instrumentation(self.statements.clone());
        Ok(connection)
    }

    async fn connect_encrypted(
        &self,
        tls: MakeRustlsConnect,
    ) -> Result<AsyncPgConnection, Failure> {
        match self.config.connect(tls).await {
            Ok((client, connection)) => {
                Ok(AsyncPgConnection::try_from_client_and_connection(client, connection).await?)
            }
            Err(error) if self.config.get_ssl_mode() == SslMode::Prefer && is_about_tls(&error) => {
                self.connect_in_the_clear().await
            }
            Err(error) => Err(Failure::connecting(&error)),
        }
    }

    async fn connect_in_the_clear(&self) -> Result<AsyncPgConnection, Failure> {
        let mut config = self.config.clone();
        config.ssl_mode(SslMode::Disable);
        let opened = config.connect(NoTls).await;
        let (client, connection) = opened.map_err(|error| Failure::connecting(&error))?;
        Ok(AsyncPgConnection::try_from_client_and_connection(client, connection).await?)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_address_are_kept_and_ours_win() {
        let settings = Settings::new("postgres://db/m?options=-c%20timezone%3DCET");
        let connector = Connector::for_requests(&settings, Statements::default()).expect("good");
        let options = connector.config.get_options().expect("some");
        assert!(options.starts_with("-c timezone=CET -c timezone=UTC"));
        assert!(options.contains("-c statement_timeout=5000"));
    }
}
