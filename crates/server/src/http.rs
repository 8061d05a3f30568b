use std::time::Duration;

use actix_web::{HttpServer, dev::Server, http::KeepAlive};
use api::Api;

use crate::{config::HttpSettings, error::RunError};

/// Listens. Nothing is answered until the server is polled.
pub(crate) fn listen(settings: &HttpSettings, api: &Api) -> Result<Server, RunError> {
    let address = settings.address();
    let api = api.clone();
    let mut server = HttpServer::new(move || api.app())
        .max_connections(settings.connections_per_worker_max)
        .backlog(settings.backlog_connections_max)
        // An acknowledgement right behind an event must not wait for the event's TCP ACK: 40 ms.
        .tcp_nodelay(true)
        .keep_alive(KeepAlive::Timeout(Duration::from_secs(settings.keep_alive_s)))
        .client_request_timeout(Duration::from_millis(settings.client_request_timeout_ms))
        .client_disconnect_timeout(Duration::from_millis(settings.client_disconnect_timeout_ms))
        .shutdown_timeout(settings.shutdown_timeout_s)
        .disable_signals();
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    let server = server.bind(address).map_err(|source| RunError::Listen { address, source })?;
    for address in server.addrs() {
        tracing::info!(%address, "the server listens");
    }
    Ok(server.run())
}
