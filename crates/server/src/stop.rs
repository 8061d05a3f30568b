//! Going down without anybody losing anything.

use std::{io, time::Duration};

use actix_web::dev::ServerHandle;
use api::Api;
use tokio::{task::JoinError, time::timeout};

use crate::{error::RunError, jobs::Runner, signals::StopSignals};

/// Stops: from now on this node is not ready; sockets are told and closed; no new connection is
/// accepted, running requests are answered and jobs done. All of it within `limit`; then, or with a second
/// signal, whatever is left is cut off.
///
/// Sockets go first, because the HTTP server waits for every open connection.
pub(crate) async fn stop(
    api: &Api,
    handle: &ServerHandle,
    runner: Option<Runner>,
    limit: Duration,
    signals: &mut StopSignals,
) -> Result<(), RunError> {
    tracing::info!("the server stops");
    let in_order = async {
        let jobs = async {
            if let Some(runner) = runner {
                runner.stop(limit / 2).await;
            }
        };
        tokio::join!(api.close(limit / 2), jobs);
        handle.stop(true).await;
    };
    let in_time = tokio::select! {
        stopped = timeout(limit, in_order) => stopped.is_ok(),
        () = signals.next() => false,
    };
    if in_time {
        tracing::info!("the server has stopped");
        return Ok(());
    }
    handle.stop(false).await;
    Err(RunError::StoppedHard)
}

/// The server ended, and nobody asked it to.
pub(crate) fn unasked(ended: Result<io::Result<()>, JoinError>) -> Result<(), RunError> {
    let cause = match ended {
        Ok(Ok(())) => io::Error::other("it was told to"),
        Ok(Err(cause)) => cause,
        Err(panicked) => io::Error::other(panicked),
    };
    Err(RunError::Http(cause))
}
