//! Live conversations: sessions over Socket.IO and plain WebSocket, and the hub that sends them events.
//!
//! A command comes in through a session and ends in the same use case that HTTP calls. What it
//! changed comes back as events through the hub, to everyone entitled, its author included.

mod actor;
mod admission;
mod asyncapi;
mod commands;
mod delivery;
mod events;
mod hub;
pub mod presence;
pub mod recovery_token;
mod registry;
pub(crate) mod resume;
mod retry;
mod room;
mod session;
mod settings;
mod socketio;
mod subscriptions;
mod takeover;
mod typing;
mod unread;
mod websocket;

use std::sync::Arc;

use admission::{Bounds, ConnectionLimiter, EventBounds, EventBudget};
use domain::{
    Messaging,
    participant::directory::Directory,
    ports::{Clock, Fanout, TokenVerifier},
    store::Store,
};
use session::Context;
use socketio::MessagingNamespace;

use crate::{limits::Limits, links::Links, origins::Origins, session_ends::SessionEndReader};

pub use asyncapi::asyncapi_json;
pub use settings::Settings;

pub(crate) use events::NAMESPACE;
pub(crate) use hub::Hub;
pub(crate) use websocket::PlainWebSocket;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use websocket::{fuzz_event, fuzz_frame};

/// What sessions need beside the hub.
pub(crate) struct SessionPorts {
    pub(crate) messaging: Messaging,
    pub(crate) directory: Directory,
    pub(crate) tokens: Arc<dyn TokenVerifier>,
    pub(crate) session_ends: Arc<SessionEndReader>,
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
    /// Without any session. The `store` is asked for unread totals, and for what was missed.
    pub(crate) fn new(settings: Settings, store: Arc<dyn Store>, links: Links) -> Self {
        let hub = Hub::with_settings(store, &settings, links);
        Self { settings, hub }
    }

    /// The sessions of this node.
    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Tells the sessions of this node what happened.
    pub(crate) fn fanout(&self) -> Arc<dyn Fanout> {
        Arc::new(self.hub.clone())
    }

    /// Tells every session that this node is about to close it.
    pub(crate) fn drain(&self) {
        if let Some(event) = events::server_draining(self.settings.drain_retry_after_ms) {
            self.hub.send_to_all(&event);
        }
    }

    /// The two front doors: Socket.IO and plain WebSocket. Called once, inside a
    /// runtime.
    pub(crate) fn front_doors(&self, ports: SessionPorts) -> (::socketio::Server, PlainWebSocket) {
        let SessionPorts { messaging, directory, tokens, session_ends, clock, origins, limits } =
            ports;
        admission::watch(&self.hub, clock.clone(), self.settings.expiry_notice_ms);
        presence::keep(self.hub.presence());
        typing::watch(self.hub.typing());
        let connection_limiter = ConnectionLimiter::new(Bounds {
            sockets: self.settings.socket.sessions_max,
            unauthenticated_per_address: self.settings.unauthenticated_per_address_max,
            sessions_per_address: self.settings.sessions_per_address_max,
        });
        let context = Arc::new(Context {
            settings: self.settings.clone(),
            hub: self.hub.clone(),
            messaging,
            directory,
            tokens,
            session_ends,
            clock,
            limits: limits.clone(),
            connection_limiter: connection_limiter.clone(),
            event_budget: EventBudget::new(EventBounds {
                per_session_bytes: self.settings.events_per_session_bytes_max,
                per_person_bytes: self.settings.events_per_person_bytes_max,
                bytes: self.settings.events_bytes_max,
            }),
        });
        let plain = PlainWebSocket::new(context.clone(), origins.clone());
        let recovery = self.settings.recovery_key.is_some();
        let kept_event_members = commands::FIELDS_OF_REFUSED;
        let socket =
            ::socketio::Config { recovery, kept_event_members, ..self.settings.socket.clone() };
        let server = ::socketio::Server::builder(socket)
            .namespace(NAMESPACE, MessagingNamespace::new(context))
            .admission(move |request| {
                admission::admit(request, &origins, &limits, &connection_limiter)
            })
            .build();
        (server, plain)
    }
}
