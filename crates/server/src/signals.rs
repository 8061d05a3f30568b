//! What the system tells a process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

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
