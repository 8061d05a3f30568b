//! A bounded connection pool with a bounded queue.

use std::{
    future::Future,
    io,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use deadpool::{
    Runtime,
    managed::{PoolError, TimeoutType},
};
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{
        self, AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool as Connections},
    },
};
use secrecy::SecretString;
use tokio::{
    runtime::{self, Builder},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinError,
};

use crate::{
    address::InvalidAddress,
    connect::Connector,
    error::{Class, Failure},
    query::Statements,
};

/// Connections to one database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pool {
    connections: Connections<AsyncPgConnection>,
    /// One permit per connection and per waiting request.
    permits: Arc<Semaphore>,
    statements: Statements,
}

/// A pooled connection. Dropping it returns it.
pub(crate) struct Pooled {
    connection: Object<AsyncPgConnection>,
    #[expect(dead_code, reason = "held as long as the connection, and dropped after it")]
    permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(
        connector: Connector,
        statements: Statements,
        runtime: ConnectionRuntime,
        settings: &Settings,
    ) -> Self {
        let mut config = ManagerConfig::default();
        // A broken connection is detected without asking the server.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |_| {
            let (connector, runtime) = (connector.clone(), runtime.clone());
            Box::pin(async move { Ok(open(connector, &runtime).await?) })
        });
        // The connector has the URL.
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        let connections = Connections::builder(manager)
            .max_size(settings.pool_connections_max)
            .wait_timeout(Some(Duration::from_millis(settings.pool_wait_ms_max)))
            .create_timeout(Some(Duration::from_millis(settings.connect_timeout_ms)))
            .runtime(Runtime::Tokio1)
            .build();
        let permits = settings.pool_connections_max.saturating_add(settings.pool_waiters_max);
        Self {
            connections: connections.expect("the only error is a timeout without a runtime"),
            permits: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            statements,
        }
    }

    /// Returns a connection. Those that may have stale statements are closed; each one opened for
    /// them is newer, so this terminates.
    pub(crate) async fn get(&self) -> Result<Pooled, Failure> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit
            .map_err(|_| Failure::new(Class::Busy, "too many requests wait for a connection"))?;
        loop {
            let connection = self.connections.get().await.map_err(failure)?;
            if !self.statements.may_be_stale(Object::metrics(&connection).created) {
                return Ok(Pooled { connection, permit });
            }
            drop(Object::take(connection));
        }
    }
}

async fn open(
    connector: Connector,
    runtime: &ConnectionRuntime,
) -> Result<AsyncPgConnection, Failure> {
    let opened = runtime.run(async move { connector.connect().await }).await;
    opened.unwrap_or_else(|_| {
        Err(Failure::new(Class::Unavailable, "the runtime of the connections is gone"))
    })
}

fn failure(error: PoolError<pooled_connection::PoolError>) -> Failure {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => {
            Failure::new(Class::Busy, "no connection became free in time")
        }
        PoolError::Backend(pooled_connection::PoolError::ConnectionError(error)) => error.into(),
        PoolError::Backend(pooled_connection::PoolError::QueryError(error)) => error.into(),
        PoolError::Timeout(_) => {
            Failure::new(Class::Unavailable, "a connection could not be opened in time")
        }
        _ => Failure::new(Class::Unavailable, "the pool is closed"),
    }
}

impl Deref for Pooled {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}

// The runtime of the connections.

/// A thread of its own that drives the connections.
///
/// A connection works only while the runtime it was opened on runs. Requests come from many
/// runtimes, one per HTTP worker; a worker that stops first would stall a connection that another
/// worker's request waits on.
#[derive(Clone)]
pub(crate) struct ConnectionRuntime {
    runtime: Arc<Background>,
}

struct Background(Option<runtime::Runtime>);

impl ConnectionRuntime {
    /// Starts the thread.
    pub(crate) fn new() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("postgres").enable_all().build()?;
        Ok(Self { runtime: Arc::new(Background(Some(runtime))) })
    }

    /// Runs `work` and everything it spawns on that thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        let Background(Some(runtime)) = &*self.runtime else {
            unreachable!("the runtime is taken when the last owner drops it")
        };
        runtime.spawn(work).await
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Dropping it would block, which is not allowed where requests run.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
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
    /// How long a transaction may be idle, in milliseconds.
    pub idle_in_transaction_timeout_ms: u32,
    /// How long a migration may wait for another session's migration, in milliseconds.
    pub migration_lock_wait_ms_max: u64,
    /// The number of conversations whose participants are cached.
    pub parties_cache_entries_max: usize,
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
            idle_in_transaction_timeout_ms: 5_000,
            migration_lock_wait_ms_max: 30_000,
            parties_cache_entries_max: 100_000,
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

impl Settings {
    /// Checks that no bound is 0: that would mean "never" or, to PostgreSQL, "no bound".
    pub(crate) fn check(&self) -> Result<(), InvalidSettings> {
        let bounds = [
            ("pool_connections_max", self.pool_connections_max == 0),
            ("pool_wait_ms_max", self.pool_wait_ms_max == 0),
            ("connect_timeout_ms", self.connect_timeout_ms == 0),
            ("statement_timeout_ms", self.statement_timeout_ms == 0),
            ("idle_in_transaction_timeout_ms", self.idle_in_transaction_timeout_ms == 0),
        ];
        match bounds.into_iter().find(|(_, zero)| *zero) {
            Some((name, _)) => Err(InvalidSettings::Zero(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
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
