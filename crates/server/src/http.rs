//! The HTTP server: its listener and its connections.

mod admission;
mod connection;
mod deadlines;
mod descriptors;
mod listener;
mod upgrade;

use std::{num::NonZeroUsize, sync::Arc, thread, time::Duration};

use actix_http::{HttpService, KeepAlive};
use actix_server::Server;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_web::{Error, dev::AppConfig};
use admission::Connections;
use api::{Api, Surface};
use deadlines::{Bounded, Limits, Timed, TimedStream};
use upgrade::{Shared, Upgrades};

pub(crate) use admission::ConnectionBounds;
pub(crate) use descriptors::TooFew;

use crate::{
    error::RunError,
    settings::{Config, HttpSettings},
};

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    workers: usize,
    connections: ConnectionBounds,
    limits: Limits,
}

impl Bounds {
    /// The bounds of this configuration that this process has file descriptors for. Raises its limit of them.
    ///
    /// # Errors
    /// When there are too few for any server.
    pub(crate) fn of(config: &Config) -> Result<Self, TooFew> {
        let http = &config.http;
        let cores = || thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let workers = http.workers.unwrap_or_else(cores);
        let store = &config.database.store;
        let needs = descriptors::Needs {
            workers,
            connections_per_worker_max: http.connections_per_worker_max,
            reserved: http.reserved_connections,
            database_connections: store.pool_connections_max + store.lanes,
        };
        // Behind proxies the peer is one of them, and each bounds its own clients.
        let per_address_max =
            (config.api.limits.trusted_proxy_hops == 0).then_some(http.connections_per_address_max);
        let connections = needs.fit(descriptors::raise_limit(), per_address_max)?;
        let sockets = config.api.realtime.socket.sessions_max;
        let kept_max = connections.connections_max - connections.reserved;
        if sockets > kept_max {
            tracing::warn!(
                sockets,
                connections = kept_max,
                "REALTIME_SESSIONS_MAX allows more sockets than there can be connections without the reserve"
            );
        }
        let millis = Duration::from_millis;
        let api = &config.api.http;
        let head = millis(http.client_request_timeout_ms);
        let limits = Limits {
            head,
            // Those who read bodies have deadlines of their own, and answer; this one is for whoever has none.
            body: millis(api.body_deadline_ms.max(api.upload_deadline_ms)) + head,
            idle: Duration::from_secs(http.keep_alive_s),
            close: millis(http.client_disconnect_timeout_ms),
            stall: millis(http.response_stall_timeout_ms),
            bytes_per_s_min: http.response_bytes_per_s_min,
        };
        Ok(Self { workers, connections, limits })
    }
}

/// Listens. Requests are answered once the server is polled.
///
/// Builds on `actix_http` instead of `actix_web::HttpServer`, which holds two buffers of 8 KiB for every WebSocket: more
/// than everything else that an idle one needs.
pub(crate) fn listen(
    settings: &HttpSettings,
    bounds: Bounds,
    api: &Api,
) -> Result<Server, RunError> {
    let internal_address = settings.internal_address();
    let surface = if internal_address.is_some() { Surface::Public } else { Surface::All };
    let internal = internal_address.map(|address| (address, Surface::Internal));
    let mut addresses = vec![(settings.address(), surface)];
    addresses.extend(internal);

    let Bounds { workers, connections, limits } = bounds;
    let per_worker_max = connections.connections_max.div_ceil(workers);
    let mut server = Server::build()
        .workers(workers)
        // We admit connections ourselves: a worker that takes no more would keep everybody out.
        .max_concurrent_connections(per_worker_max + connections.reserved + 1)
        .shutdown_timeout(settings.shutdown_timeout_s)
        .disable_signals();
    let connections = Connections::new(connections);
    for (address, surface) in addresses {
        let listen_error = |source| RunError::Listen { address, source };
        let listener = listener::bind(address, settings.backlog_connections_max);
        let listener = listener.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let (stop_signal, api) = (server.graceful_shutdown_signal(), api.clone());
        let connections = Arc::clone(&connections);
        let service = move || {
            let app = api.app(surface).into_factory();
            let app = app.map_err(|error: Error| error.error_response());
            let app = map_config(app, |()| AppConfig::default());
            let app = Shared::new(Timed::new(app, limits.body));
            let stop_signal = stop_signal.clone();
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stop_signal = stop_signal.clone();
                    async move { stop_signal.notified().await }
                })
                // A client that closed its side is gone: a polling client that vanished would otherwise count as
                // connected, and as reading, until it misses a heartbeat.
                .h1_allow_half_closed(false)
                .keep_alive(KeepAlive::Timeout(limits.idle))
                .client_request_timeout(limits.head)
                .client_disconnect_timeout(limits.close)
                .local_addr(address)
                .on_connect_ext(|stream: &TimedStream, data| {
                    data.insert(stream.connection().clone());
                })
                .upgrade(Upgrades::new(app.clone(), limits.close))
                .finish(app);
            Bounded::new(http, Arc::clone(&connections), limits)
        };
        let name = if surface == Surface::Internal { "internal" } else { "messaging" };
        server = server.listen(name, listener, service).map_err(listen_error)?;
        if surface == Surface::Internal {
            tracing::info!(%address, "the server listens for the internal API");
        } else {
            tracing::info!(%address, "the server listens");
        }
    }
    Ok(server.run())
}
