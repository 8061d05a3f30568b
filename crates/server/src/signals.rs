//! Stop signals, and stopping in order.

use std::{io, time::Duration};

use actix_web::dev::ServerHandle;
use api::Api;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinError,
    time::timeout,
};

use crate::{error::RunError, jobs::Runner};

/// Requests to stop: SIGTERM and SIGINT. From the moment this is made, they end nothing by
/// themselves.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens for them.
    pub(crate) fn listen() -> io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        let (terminate, interrupt) = (self.terminate.recv(), self.interrupt.recv());
        tokio::select! {
            _ = terminate => {}
            _ = interrupt => {}
        }
    }
}

// Going down without anybody losing anything.

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

/// The server ended without being asked to.
pub(crate) fn ended_unexpectedly(ended: Result<io::Result<()>, JoinError>) -> Result<(), RunError> {
    let cause = match ended {
        Ok(Ok(())) => io::Error::other("it was told to"),
        Ok(Err(cause)) => cause,
        Err(panicked) => io::Error::other(panicked),
    };
    Err(RunError::Http(cause))
}
