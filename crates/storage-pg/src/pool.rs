//! A bounded number of connections, and a bounded number of those who wait for one.

use std::{
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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    connect::Connector,
    failure::{Class, Failure},
    home::ConnectionRuntime,
    settings::Settings,
};

/// Connections to one database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pool {
    connections: Connections<AsyncPgConnection>,
    /// One for each connection and for each place in the queue.
    places: Arc<Semaphore>,
}

/// A connection on loan. Dropping it gives it back.
pub(crate) struct Pooled {
    connection: Object<AsyncPgConnection>,
    #[expect(dead_code, reason = "held as long as the connection, and dropped after it")]
    place: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(connector: Connector, home: ConnectionRuntime, settings: &Settings) -> Self {
        let mut config = ManagerConfig::default();
        // Whether a connection broke is known without asking the server.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |_| {
            let (connector, home) = (connector.clone(), home.clone());
            Box::pin(async move { Ok(open(connector, &home).await?) })
        });
        // The connector knows the address.
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        let connections = Connections::builder(manager)
            .max_size(settings.pool_connections_max)
            .wait_timeout(Some(Duration::from_millis(settings.pool_wait_ms_max)))
            .create_timeout(Some(Duration::from_millis(settings.connect_timeout_ms)))
            .runtime(Runtime::Tokio1)
            .build();
        let places = settings.pool_connections_max.saturating_add(settings.pool_waiters_max);
        Self {
            connections: connections.expect("the only error is a timeout without a runtime"),
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Lends a connection.
    pub(crate) async fn get(&self) -> Result<Pooled, Failure> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place
            .map_err(|_| Failure::new(Class::Busy, "too many requests wait for a connection"))?;
        let connection = self.connections.get().await.map_err(failure)?;
        Ok(Pooled { connection, place })
    }
}

async fn open(
    connector: Connector,
    home: &ConnectionRuntime,
) -> Result<AsyncPgConnection, Failure> {
    let opened = home.run(async move { connector.connect().await }).await;
    opened
        .unwrap_or_else(|_| Err(Failure::new(Class::Unavailable, "the connection's home is gone")))
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
