//! A server in the making.

use std::{collections::HashMap, fmt, sync::Arc};

use actix_web::HttpRequest;

use super::{Admission, Entry, Server, Shared, Table};
use crate::{config::Config, engine::EngineApplication, http::Rejection, namespace::Namespace};

/// Makes a [`Server`].
#[must_use]
pub struct Builder {
    config: Config,
    namespaces: HashMap<String, Entry>,
    admission: Option<Box<Admission>>,
    bare: Option<Arc<dyn EngineApplication>>,
}

impl Builder {
    pub(super) fn new(config: Config) -> Self {
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
