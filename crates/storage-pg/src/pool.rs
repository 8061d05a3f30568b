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
use tokio::{
    runtime::{self, Builder},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinError,
};

use crate::{
    connect::{Connector, Settings},
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
