//! Conversations live: sessions over Socket.IO, and the hub that tells them what happened.
//!
//! A command comes in through a session and ends in the same use case that HTTP calls. What it
//! changed comes back as events through the hub, to everyone entitled, its author included.

mod admission;
mod answer;
mod delivery;
mod expiry;
mod hub;
mod inbound;
mod namespace;
mod outbound;
mod outlet;
mod session;
mod turns;

use std::sync::Arc;

use domain::{
    Messaging,
    ports::{Clock, Fanout, Store, TokenVerifier},
};
use hub::Hub;
use namespace::Door;
use session::Context;
use socketio::Server;

use crate::{limits::Limits, origins::Origins};

/// The Socket.IO namespace of conversations.
pub(crate) const NAMESPACE: &str = "/messaging";

/// The bounds of live conversations.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bounds of sockets.
    pub socket: socketio::Config,
    /// Sockets that one person may hold open at the same time, on this node.
    pub sessions_per_person_max: usize,
    /// Conversations that one socket may have joined at the same time.
    pub rooms_per_session_max: usize,
    /// Messages in the history that a join is given: 1 to 100.
    pub history_messages: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // A socket that does not say who it is has five seconds.
            socket: socketio::Config { connect_timeout_ms: 5_000, ..socketio::Config::default() },
            sessions_per_person_max: 32,
            rooms_per_session_max: 64,
            history_messages: 50,
        }
    }
}

/// What sessions need beside the hub.
pub(crate) struct Services {
    pub(crate) messaging: Messaging,
    pub(crate) tokens: Arc<dyn TokenVerifier>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) origins: Origins,
    pub(crate) limits: Limits,
}

/// Live conversations of this node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Realtime {
    settings: Settings,
    hub: Hub,
}

impl Realtime {
    /// Nobody is connected yet. The `store` is asked for unread totals, and for what was missed.
    pub(crate) fn new(settings: Settings, store: Arc<dyn Store>) -> Self {
        Self { settings, hub: Hub::new(store) }
    }

    /// Tells the sessions of this node what happened.
    pub(crate) fn fanout(&self) -> Arc<dyn Fanout> {
        Arc::new(self.hub.clone())
    }

    /// The Socket.IO server that lets people in. Called once, inside a runtime.
    pub(crate) fn server(&self, services: Services) -> Server {
        let Services { messaging, tokens, clock, origins, limits } = services;
        expiry::watch(&self.hub, clock.clone());
        let context = Arc::new(Context {
            settings: self.settings.clone(),
            hub: self.hub.clone(),
            messaging,
            clock,
            limits: limits.clone(),
        });
        Server::builder(self.settings.socket.clone())
            .namespace(NAMESPACE, Door { context, tokens })
            .admission(move |request| admission::admit(request, &origins, &limits))
            .build()
    }
}
