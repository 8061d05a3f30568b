//! The server, from its parts to its end.

use std::sync::Arc;

use api::{Api, Ports};
use auth_jwt::JwtVerifier;
use storage_pg::PgStore;

use crate::{
    clock::SystemClock, config::Config, database, error::RunError, http, ids::SystemIds,
    signals::StopSignals, stop,
};

/// Serves until told to stop.
pub(crate) async fn serve(config: Config) -> Result<(), RunError> {
    let mut signals = StopSignals::listen().map_err(RunError::Signals)?;
    tokio::select! {
        prepared = database::prepare(&config.database) => prepared?,
        () = signals.next() => return Ok(()),
    }

    let clock = Arc::new(SystemClock);
    let store = Arc::new(PgStore::new(&config.database.store)?);
    let tokens = Arc::new(JwtVerifier::new(&config.tokens, clock.clone())?);
    let api = Api::new(config.api, Ports { store, tokens, clock, ids: Arc::new(SystemIds) });
    let server = http::listen(&config.http, &api)?;

    let handle = server.handle();
    let mut running = actix_web::rt::spawn(server);
    tokio::select! {
        ended = &mut running => return stop::unasked(ended),
        () = signals.next() => {}
    }
    stop::stop(&api, &handle, config.http.shutdown_timeout(), &mut signals).await
}
