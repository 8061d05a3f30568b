//! The HTTP server: where it listens, and what it does with a connection.

mod arrival;
mod connection;
mod listener;
mod shared;
mod switched;
mod upgrade;
mod writing;

use std::time::Duration;

use actix_http::{HttpService, KeepAlive};
use actix_server::Server;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_web::{Error, dev::AppConfig};
use api::Api;

use crate::{config::HttpSettings, error::RunError};

use shared::Shared;
use upgrade::Upgrades;

/// Listens. Nothing is answered until the server is polled.
///
/// The parts are put together here, where `actix_web::HttpServer` would do, because that keeps two
/// buffers of 8 KiB for every WebSocket: more than everything else that an idle one needs.
pub(crate) fn listen(settings: &HttpSettings, api: &Api) -> Result<Server, RunError> {
    let address = settings.address();
    let not_listening = |source| RunError::Listen { address, source };
    let listener = listener::bind(address, settings.backlog_connections_max);
    let listener = listener.map_err(not_listening)?;
    let address = listener.local_addr().map_err(not_listening)?;

    let mut server = Server::build()
        .max_concurrent_connections(settings.connections_per_worker_max)
        .shutdown_timeout(settings.shutdown_timeout_s)
        .disable_signals();
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    let (stopping, api, settings) =
        (server.graceful_shutdown_signal(), api.clone(), settings.clone());
    let service = move || {
        let app = api.app().into_factory().map_err(|error: Error| error.error_response());
        let app = Shared::new(map_config(app, |()| AppConfig::default()));
        let disconnect_timeout = Duration::from_millis(settings.client_disconnect_timeout_ms);
        let stopping = stopping.clone();
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            // An acknowledgement right behind an event must not wait for the event's TCP ACK: 40 ms.
            .tcp_nodelay(true)
            .keep_alive(KeepAlive::Timeout(Duration::from_secs(settings.keep_alive_s)))
            .client_request_timeout(Duration::from_millis(settings.client_request_timeout_ms))
            .client_disconnect_timeout(disconnect_timeout)
            .local_addr(address)
            .upgrade(Upgrades::new(app.clone(), disconnect_timeout))
            .finish(app)
            .tcp()
    };
    let server = server.listen("messaging", listener, service).map_err(not_listening)?;
    tracing::info!(%address, "the server listens");
    Ok(server.run())
}
