//! The HTTP server: its listener and its connections.

mod connection;
mod listener;
mod upgrade;

use std::time::Duration;

use actix_http::{HttpService, KeepAlive};
use actix_server::Server;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_web::{Error, dev::AppConfig};
use api::{Api, Surface};
use upgrade::{Shared, Upgrades};

use crate::{error::RunError, settings::HttpSettings};

/// Listens. Requests are answered once the server is polled.
///
/// Builds on `actix_http` instead of `actix_web::HttpServer`, which holds two buffers of 8 KiB for every WebSocket: more
/// than everything else that an idle one needs.
pub(crate) fn listen(settings: &HttpSettings, api: &Api) -> Result<Server, RunError> {
    let internal_address = settings.internal_address();
    let surface = if internal_address.is_some() { Surface::Public } else { Surface::All };
    let internal = internal_address.map(|address| (address, Surface::Internal));
    let mut addresses = vec![(settings.address(), surface)];
    addresses.extend(internal);

    let mut server = Server::build()
        .max_concurrent_connections(settings.connections_per_worker_max)
        .shutdown_timeout(settings.shutdown_timeout_s)
        .disable_signals();
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    for (address, surface) in addresses {
        let listen_error = |source| RunError::Listen { address, source };
        let listener = listener::bind(address, settings.backlog_connections_max);
        let listener = listener.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let (stop_signal, api, settings) =
            (server.graceful_shutdown_signal(), api.clone(), settings.clone());
        let service = move || {
            let app = api.app(surface).into_factory();
            let app = app.map_err(|error: Error| error.error_response());
            let app = Shared::new(map_config(app, |()| AppConfig::default()));
            let disconnect_timeout = Duration::from_millis(settings.client_disconnect_timeout_ms);
            let stop_signal = stop_signal.clone();
            HttpService::build()
            .graceful_shutdown_signal(move || {
                let stop_signal = stop_signal.clone();
                async move { stop_signal.notified().await }
            })
            // An acknowledgement right after an event must not wait 40 ms for the TCP ACK of the event.
            .tcp_nodelay(true)
            // A client that closed its side is gone: a polling client that vanished would otherwise count as
            // connected, and as reading, until it misses a heartbeat.
            .h1_allow_half_closed(false)
            .keep_alive(KeepAlive::Timeout(Duration::from_secs(settings.keep_alive_s)))
            .client_request_timeout(Duration::from_millis(settings.client_request_timeout_ms))
            .client_disconnect_timeout(disconnect_timeout)
            .local_addr(address)
            .upgrade(Upgrades::new(app.clone(), disconnect_timeout))
            .finish(app)
            .tcp()
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
