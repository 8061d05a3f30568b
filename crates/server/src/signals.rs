//! Stop signals and graceful shutdown.

use std::{io, time::Duration};

use actix_web::dev::ServerHandle;
use api::Api;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinError,
    time::timeout,
};

use crate::{error::RunError, jobs::Runner};

/// SIGTERM and SIGINT. Once this exists, they no longer end the process by themselves.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Starts to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        let (terminate, interrupt) = (self.terminate.recv(), self.interrupt.recv());
        tokio::select! {
            _ = terminate => {}
            _ = interrupt => {}
        }
    }
}

// Graceful shutdown.

/// Stops: readiness is withdrawn, sockets are notified and closed, no new connection is accepted, running requests and
/// jobs are finished. After `limit`, or with a second signal, whatever is left is aborted.
///
/// Sockets are closed first, because the HTTP server waits for every open connection.
pub(crate) async fn stop(
    api: &Api,
    handle: &ServerHandle,
    runner: Option<Runner>,
    limit: Duration,
    signals: &mut StopSignals,
) -> Result<(), RunError> {
    tracing::info!("the server stops");
    let graceful = async {
        let jobs = async {
            if let Some(runner) = runner {
                runner.stop(limit / 2).await;
            }
        };
        tokio::join!(api.close(limit / 2), jobs);
        handle.stop(true).await;
    };
    let is_graceful = tokio::select! {
        stopped = timeout(limit, graceful) => stopped.is_ok(),
        () = signals.next() => false,
    };
    if is_graceful {
        tracing::info!("the server has stopped");
        return Ok(());
    }
    handle.stop(false).await;
    Err(RunError::StoppedHard)
}

/// The error of a server that ended without a signal.
pub(crate) fn ended_unexpectedly(ended: Result<io::Result<()>, JoinError>) -> Result<(), RunError> {
    let cause = match ended {
        Ok(Ok(())) => io::Error::other("it was signalled to"),
        Ok(Err(cause)) => cause,
        Err(panicked) => io::Error::other(panicked),
    };
    Err(RunError::Http(cause))
}
