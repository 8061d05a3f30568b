//! The server: its namespaces, its HTTP route and its session table.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, web};
use tokio::sync::Notify;

use crate::{
    config::Config,
    engine::{
        EngineApplication, PollingHandle,
        websocket::{self, WebSocket},
    },
    http::{self, Rejection},
    mailbox::SessionHandle,
    namespace::{Namespace, Permit},
    sid::EngineId,
};

/// An Engine.IO and Socket.IO server. Cheap to clone; every clone is the same server, whichever
/// thread it is used from.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

/// State shared by all sessions of a server.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) table: Arc<SessionTable>,
    namespaces: HashMap<String, Entry>,
    admission: Option<Box<Admission>>,
    /// The application of a server without Socket.IO.
    pub(crate) bare: Option<Arc<dyn EngineApplication>>,
}

/// Decides whether a request may open a session.
pub(crate) type Admission = dyn Fn(&HttpRequest) -> Result<Permit, Rejection> + Send + Sync;

/// A namespace and its name.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Arc<str>,
    pub(crate) namespace: Arc<dyn Namespace>,
}

impl Server {
    /// A builder for a server with these bounds.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }

    /// Mounts the server at `path`, with and without a trailing slash.
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

    /// The number of sessions, including those that have ended but whose handlers still run or
    /// whose closing packets wait for a poll.
    pub fn session_count(&self) -> usize {
        self.shared.table.len()
    }

    /// Ends all sessions and refuses new ones. Transports are closed (WebSocket close code 1001)
    /// without a DISCONNECT, so that clients reconnect. Returns when every session has ended,
    /// including the last calls of its handlers, or after `deadline`.
    ///
    /// Call it before the HTTP server stops: open connections would delay that, and stopping first
    /// would drop handlers without their last call.
    pub async fn close(&self, deadline: Duration) {
        for handle in self.shared.table.shut_down() {
            handle.shut_down();
        }
        if tokio::time::timeout(deadline, self.shared.table.emptied()).await.is_err() {
            tracing::warn!(
                sessions = self.session_count(),
                "sessions did not end before the shutdown deadline"
            );
        }
    }
}

impl Shared {
    pub(crate) fn namespace(&self, name: &str) -> Option<Entry> {
        self.namespaces.get(name).cloned()
    }

    /// Maximum bytes of the first messages of a session.
    pub(crate) fn first_message_bytes(&self) -> usize {
        let Config { max_payload_bytes, max_connect_bytes, .. } = self.config;
        if self.bare.is_some() { max_payload_bytes } else { max_connect_bytes }
    }

    /// Accepts a WebSocket, whose messages may be so long at first.
    pub(crate) async fn accept(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        max_message_bytes: usize,
    ) -> Result<(HttpResponse, WebSocket), actix_web::Error> {
        let (config, reads_whole) = (&self.config, self.bare.is_some());
        websocket::accept(request, payload, config, max_message_bytes, reads_whole).await
    }

    /// Checks with the application whether `request` may open a session.
    pub(crate) fn check_admission(&self, request: &HttpRequest) -> Result<Permit, Rejection> {
        self.admission.as_ref().map_or_else(|| Ok(no_permit()), |admission| admission(request))
    }
}

/// The permit of a session on a server without an admission check.
pub(crate) fn no_permit() -> Permit {
    Arc::new(())
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

// The builder.

/// Builds a [`Server`].
#[must_use]
pub struct Builder {
    config: Config,
    namespaces: HashMap<String, Entry>,
    admission: Option<Box<Admission>>,
    bare: Option<Arc<dyn EngineApplication>>,
}

impl Builder {
    fn new(config: Config) -> Self {
        Self { config, namespaces: HashMap::new(), admission: None, bare: None }
    }

    /// Adds a namespace, or replaces the one of the same name. The leading `/` is optional.
    pub fn namespace(mut self, name: &str, namespace: impl Namespace) -> Self {
        let name = format!("/{}", name.trim_start_matches('/'));
        let entry = Entry { name: name.as_str().into(), namespace: Arc::new(namespace) };
        self.namespaces.insert(name, entry);
        self
    }

    /// Calls `admission` before every handshake, for example to check the `Origin` header, which
    /// browsers do not enforce for WebSockets, or the number of sessions per address. The permit it
    /// returns is kept as long as the session, and [shown](crate::ConnectRequest::permit) with each CONNECT.
    pub fn admission<Permit: Send + Sync + 'static>(
        mut self,
        admission: impl Fn(&HttpRequest) -> Result<Permit, Rejection> + Send + Sync + 'static,
    ) -> Self {
        self.admission = Some(Box::new(move |request| Ok(Arc::new(admission(request)?))));
        self
    }

    /// Passes the Engine.IO messages of all sessions to `application`, without Socket.IO.
    /// Namespaces are then unused.
    pub fn bare(mut self, application: impl EngineApplication) -> Self {
        self.bare = Some(Arc::new(application));
        self
    }

    /// Builds the server.
    pub fn build(self) -> Server {
        Server {
            shared: Arc::new(Shared {
                table: Arc::new(SessionTable::new(self.config.sessions_max)),
                config: self.config,
                namespaces: self.namespaces,
                admission: self.admission,
                bare: self.bare,
            }),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.config)
            .field("namespaces", &self.namespaces.keys())
            .finish_non_exhaustive()
    }
}

// The sessions of a server by session id.

/// All sessions of a server.
#[derive(Debug)]
pub(crate) struct SessionTable {
    max_sessions: usize,
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<EngineId, SessionEntry>,
    shut_down: bool,
}

/// The handles of a session.
#[derive(Clone, Debug)]
pub(crate) struct SessionEntry {
    pub(crate) handle: Arc<SessionHandle>,
    /// The handle for polling requests. `None` for a session opened by WebSocket, which refuses
    /// them.
    pub(crate) polling: Option<Arc<PollingHandle>>,
    /// A digest of the `Origin` of the request that opened it; `None` if there was none.
    pub(crate) origin: Option<u64>,
}

/// Why a session was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegisterError {
    /// The server is stopping.
    ShutDown,
    /// The maximum number of sessions is reached.
    Full,
}

/// An entry in the session table, removed on drop. Owns the session's permit.
#[derive(Debug)]
pub(crate) struct Registration {
    table: Arc<SessionTable>,
    id: EngineId,
    _permit: Permit,
}

impl SessionTable {
    pub(crate) fn new(max_sessions: usize) -> Self {
        Self { max_sessions, state: Mutex::default(), emptied: Notify::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().sessions.len()
    }

    pub(crate) fn find(&self, id: &str) -> Option<SessionEntry> {
        self.lock().sessions.get(id).cloned()
    }

    /// Adds a session.
    pub(crate) fn register(
        self: &Arc<Self>,
        id: EngineId,
        entry: SessionEntry,
        permit: Permit,
    ) -> Result<Registration, RegisterError> {
        let mut state = self.lock();
        if state.shut_down {
            return Err(RegisterError::ShutDown);
        }
        if state.sessions.len() >= self.max_sessions {
            return Err(RegisterError::Full);
        }
        state.sessions.insert(id.clone(), entry);
        Ok(Registration { table: Arc::clone(self), id, _permit: permit })
    }

    /// Refuses further sessions, and returns the existing ones.
    pub(crate) fn shut_down(&self) -> Vec<Arc<SessionHandle>> {
        let mut state = self.lock();
        state.shut_down = true;
        state.sessions.values().map(|entry| Arc::clone(&entry.handle)).collect()
    }

    /// Waits until there is no session.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// Ignores poisoning: every change leaves the state consistent even if its thread panics.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.table.lock();
        state.sessions.remove(&self.id);
        let is_empty = state.sessions.is_empty();
        drop(state);
        if is_empty {
            self.table.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{no_permit, *};
    use crate::Config;

    fn register(table: &Arc<SessionTable>) -> Result<Registration, RegisterError> {
        let id = EngineId::random().expect("the system has randomness");
        let handle = Arc::new(SessionHandle::new(&Config::default()));
        table.register(id, SessionEntry { handle, polling: None, origin: None }, no_permit())
    }

    #[test]
    fn a_full_table_takes_a_session_when_another_is_gone() {
        let table = Arc::new(SessionTable::new(1));
        let first = register(&table).expect("room for one");
        assert_eq!(register(&table).err(), Some(RegisterError::Full));
        drop(first);
        assert!(register(&table).is_ok());
    }

    #[tokio::test]
    async fn a_shut_table_takes_no_more_and_empties() {
        let table = Arc::new(SessionTable::new(9));
        let last = register(&table).expect("room");
        assert_eq!(table.shut_down().len(), 1);
        assert_eq!(register(&table).err(), Some(RegisterError::ShutDown));
        let leaving = async { drop(last) };
        tokio::join!(table.emptied(), leaving);
        assert_eq!(table.len(), 0);
    }
}
