//! The server: its namespaces, its door, its sessions.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::{HttpRequest, web};
use tokio::sync::Notify;

use crate::{
    config::Config,
    engine::{EngineApplication, PollingHandle},
    http::{self, Rejection},
    mailbox::SessionHandle,
    namespace::Namespace,
    sid::EngineId,
};

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

// A server in the making.

/// Makes a [`Server`].
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

    /// Adds a namespace, or replaces the one of the same name. A `/` in front is understood.
    pub fn namespace(mut self, name: &str, namespace: impl Namespace) -> Self {
        let name = format!("/{}", name.trim_start_matches('/'));
        let entry = Entry { name: name.as_str().into(), namespace: Arc::new(namespace) };
        self.namespaces.insert(name, entry);
        self
    }

    /// Asks `admission` before every handshake, for example about the `Origin` header, which
    /// browsers do not enforce for WebSockets, or about the number of sessions per address. What
    /// it returns is kept as long as the session, and dropped when that is over.
    pub fn admission<Permit: Send + Sync + 'static>(
        mut self,
        admission: impl Fn(&HttpRequest) -> Result<Permit, Rejection> + Send + Sync + 'static,
    ) -> Self {
        self.admission = Some(Box::new(move |request| Ok(Box::new(admission(request)?))));
        self
    }

    /// Hands the messages of every session to `application` as they are, without Socket.IO.
    /// Namespaces are then never reached.
    pub fn bare(mut self, application: impl EngineApplication) -> Self {
        self.bare = Some(Arc::new(application));
        self
    }

    /// The server.
    pub fn build(self) -> Server {
        Server {
            shared: Arc::new(Shared {
                table: Arc::new(Table::new(self.config.sessions_max)),
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

// The sessions of a server, by the id their requests carry.

/// Every session there is.
#[derive(Debug)]
pub(crate) struct Table {
    max_sessions: usize,
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<EngineId, SessionEntry>,
    shut: bool,
}

/// What is known of a session from outside.
#[derive(Clone, Debug)]
pub(crate) struct SessionEntry {
    pub(crate) link: Arc<SessionHandle>,
    /// Where requests of a session go that began with polling. One that began on a WebSocket
    /// takes none.
    pub(crate) door: Option<Arc<PollingHandle>>,
}

/// Why there can be no further session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableError {
    /// The server is stopping.
    Shut,
    /// There are as many sessions as there may be.
    Full,
}

/// A place in the table, given up when it is dropped, and the permit with it.
#[derive(Debug)]
pub(crate) struct Registration {
    table: Arc<Table>,
    id: EngineId,
    _permit: Permit,
}

impl Table {
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
        seat: SessionEntry,
        permit: Permit,
    ) -> Result<Registration, TableError> {
        let mut state = self.lock();
        if state.shut {
            return Err(TableError::Shut);
        }
        if state.sessions.len() >= self.max_sessions {
            return Err(TableError::Full);
        }
        state.sessions.insert(id.clone(), seat);
        Ok(Registration { table: Arc::clone(self), id, _permit: permit })
    }

    /// Takes no more sessions, and returns those there are.
    pub(crate) fn shut(&self) -> Vec<Arc<SessionHandle>> {
        let mut state = self.lock();
        state.shut = true;
        state.sessions.values().map(|seat| Arc::clone(&seat.link)).collect()
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

    /// Every change leaves the state sound even if its thread dies halfway.
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
    use super::{nothing, *};
    use crate::Config;

    fn register(table: &Arc<Table>) -> Result<Registration, TableError> {
        let id = EngineId::random().expect("the system has randomness");
        let link = Arc::new(SessionHandle::new(&Config::default()));
        table.register(id, SessionEntry { link, door: None }, nothing())
    }

    #[test]
    fn a_full_table_takes_a_session_when_another_is_gone() {
        let table = Arc::new(Table::new(1));
        let first = register(&table).expect("room for one");
        assert_eq!(register(&table).err(), Some(TableError::Full));
        drop(first);
        assert!(register(&table).is_ok());
    }

    #[tokio::test]
    async fn a_shut_table_takes_no_more_and_empties() {
        let table = Arc::new(Table::new(9));
        let last = register(&table).expect("room");
        assert_eq!(table.shut().len(), 1);
        assert_eq!(register(&table).err(), Some(TableError::Shut));
        let leaving = async { drop(last) };
        tokio::join!(table.emptied(), leaving);
        assert_eq!(table.len(), 0);
    }
}
