//! The server: its namespaces, its door, its sessions.

mod builder;
mod table;

use std::{any::Any, collections::HashMap, fmt, sync::Arc, time::Duration};

use actix_web::{HttpRequest, web};

use crate::{
    config::Config,
    engine::EngineApplication,
    http::{self, Rejection},
    namespace::Namespace,
};

pub use builder::Builder;
pub(crate) use table::{Registration, SessionEntry, Table, TableError};

/// An Engine.IO and Socket.IO server. Cheap to clone; every clone is the same server, whichever
/// thread it is used from.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

/// What every session of a server needs.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) table: Arc<Table>,
    namespaces: HashMap<String, Entry>,
    admission: Option<Box<Admission>>,
    /// What takes the messages of every session, where there is no Socket.IO.
    pub(crate) bare: Option<Arc<dyn EngineApplication>>,
}

/// Decides whether a request may open a session.
pub(crate) type Admission = dyn Fn(&HttpRequest) -> Result<Permit, Rejection> + Send + Sync;

/// What the application keeps for a session as long as there is one.
pub(crate) type Permit = Box<dyn Any + Send + Sync>;

/// A namespace and its name.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Arc<str>,
    pub(crate) namespace: Arc<dyn Namespace>,
}

impl Server {
    /// A server to be equipped with namespaces.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }

    /// Mounts the server at `path`, with and without a slash at its end.
    pub fn configure(&self, path: &str, app: &mut web::ServiceConfig) {
        let base = path.trim_end_matches('/');
        let shared = Arc::clone(&self.shared);
        app.service(web::resource([format!("{base}/"), base.to_owned()]).to(
            move |request: HttpRequest, payload: web::Payload| {
                http::serve(Arc::clone(&shared), request, payload)
            },
        ));
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// How many sessions there are, those included whose handlers are still at their last call or
    /// whose last words wait for a poll.
    pub fn session_count(&self) -> usize {
        self.shared.table.len()
    }

    /// Ends every session and refuses new ones from now on. Clients are told that the transport
    /// closes (WebSocket close code 1001), not that they are disconnected, so they come back.
    /// Returns when every session is gone, its handlers' last calls included, or after `deadline`.
    ///
    /// Call it before the HTTP server stops: an open connection would hold that up, and stopping
    /// first would drop handlers without their last call.
    pub async fn close(&self, deadline: Duration) {
        for link in self.shared.table.shut() {
            link.shut();
        }
        if tokio::time::timeout(deadline, self.shared.table.emptied()).await.is_err() {
            tracing::warn!(
                sessions = self.session_count(),
                "sessions outlived the time given for the shutdown"
            );
        }
    }
}

impl Shared {
    pub(crate) fn namespace(&self, name: &str) -> Option<Entry> {
        self.namespaces.get(name).cloned()
    }

    /// Asks the application whether `request` may open a session.
    pub(crate) fn admit(&self, request: &HttpRequest) -> Result<Permit, Rejection> {
        self.admission.as_ref().map_or_else(|| Ok(nothing()), |admission| admission(request))
    }
}

/// The permit of a session that nobody was asked about.
pub(crate) fn nothing() -> Permit {
    Box::new(())
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.shared.config)
            .field("namespaces", &self.shared.namespaces.keys())
            .field("sessions", &self.session_count())
            .finish_non_exhaustive()
    }
}
