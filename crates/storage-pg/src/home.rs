//! Where connections live.

use std::{future::Future, io, sync::Arc};

use tokio::{
    runtime::{self, Builder},
    task::JoinError,
};

/// A thread of its own for the work that keeps connections alive.
///
/// A connection answers only while the runtime it was opened on runs. Requests come from many
/// runtimes, one for each worker of the HTTP server; a worker that stops first would silence a
/// connection that another one's request is waiting on.
#[derive(Clone)]
pub(crate) struct ConnectionRuntime {
    runtime: Arc<Background>,
}

struct Background(Option<runtime::Runtime>);

impl ConnectionRuntime {
    /// Starts the thread.
    pub(crate) fn new() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("postgres").enable_all().build()?;
        Ok(Self { runtime: Arc::new(Background(Some(runtime))) })
    }

    /// Runs `work` here, and whatever it spawns.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, JoinError> {
        let Background(Some(runtime)) = &*self.runtime else {
            unreachable!("the runtime is taken when the last owner drops it")
        };
        runtime.spawn(work).await
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Waiting for it, as dropping it does, is not allowed where requests run.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
