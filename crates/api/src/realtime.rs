//! Conversations live: sessions over Socket.IO, and the hub that tells them what happened.
//!
//! A command comes in through a session and ends in the same use case that HTTP calls. What it
//! changed comes back as events through the hub, to everyone entitled, its author included.

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
mod session;
mod socketio;
mod subscriptions;
mod takeover;
mod typing;
mod unread;
mod websocket;

use std::sync::Arc;

use admission::{Bounds, ConnectionLimiter};
use domain::{
    Messaging,
    conversation::live::TypingPolicy,
    participant::directory::Directory,
    ports::{Clock, Fanout, TokenVerifier},
    store::Store,
};
use hub::Hub;
use recovery_token::{Offered, RecoveryKey};
use session::Context;
use socketio::MessagingNamespace;

use crate::{input::EVENTS_PER_PAGE_MAX, limits::Limits, links::Links, origins::Origins};

pub use asyncapi::asyncapi_json;

pub(crate) use websocket::PlainWebSocket;

/// The Socket.IO namespace of conversations.
pub(crate) const NAMESPACE: &str = "/messaging";

/// The bounds of live conversations.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bounds of sockets. `sessions_max` counts those of every door.
    pub socket: ::socketio::Config,
    /// Sockets that one person may hold open at the same time, on this node.
    pub sessions_per_person_max: usize,
    /// Sockets from one address at the same time, on this node.
    pub sessions_per_address_max: usize,
    /// Sockets from one address that have not said whose they are, on this node; further ones are
    /// refused.
    pub unauthenticated_per_address_max: usize,
    /// Conversations that one socket may have joined at the same time.
    pub rooms_per_session_max: usize,
    /// Messages in the history that a join is given: 1 to 100.
    pub history_messages: u32,
    /// Events that a client which was cut off is told one by one; with more it loads anew. 1 to 200.
    pub resume_events_max: u32,
    /// Bytes of what one command of a socket is answered with, the events of it included, and of
    /// what a client that was cut off is told; of more it is told a part and that there is more, or
    /// to load anew. 128 KiB at least, so that one message always fits.
    pub answer_bytes_max: usize,
    /// Signs what lets a client go on where it was cut off; all nodes have the same. Without it
    /// every connection begins anew.
    pub recovery_key: Option<RecoveryKey>,
    /// To whom that is offered.
    pub recovery_offered: Offered,
    /// How long ago a client may have been cut off to go on where it was, in milliseconds.
    pub recovery_age_max_ms: u64,
    /// How long before its token ends a socket hears of it, in milliseconds.
    pub expiry_notice_ms: u64,
    /// How long clients should stay away when this node goes down, in milliseconds.
    pub drain_retry_after_ms: u64,
    /// Who hears when somebody comes and goes, and how soon.
    pub presence: presence::Settings,
    /// How long somebody counts as writing, and how often others hear of it.
    pub typing: TypingPolicy,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // A socket that does not say who it is has five seconds.
            socket: ::socketio::Config {
                connect_timeout_ms: 5_000,
                ..::socketio::Config::default()
            },
            sessions_per_person_max: 32,
            sessions_per_address_max: 1_000,
            unauthenticated_per_address_max: 1_000,
            rooms_per_session_max: 64,
            history_messages: 50,
            resume_events_max: EVENTS_PER_PAGE_MAX,
            answer_bytes_max: 512 * 1024,
            recovery_key: None,
            recovery_offered: Offered::UnlessDeclined,
            recovery_age_max_ms: 3_600_000,
            expiry_notice_ms: 60_000,
            drain_retry_after_ms: 1_000,
            presence: presence::Settings::default(),
            typing: TypingPolicy::default(),
        }
    }
}

/// What sessions need beside the hub.
pub(crate) struct SessionPorts {
    pub(crate) messaging: Messaging,
    pub(crate) directory: Directory,
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
    pub(crate) fn new(settings: Settings, store: Arc<dyn Store>, links: Links) -> Self {
        let hub = Hub::with_settings(store, &settings, links);
        Self { settings, hub }
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

    /// The two doors that let people in: Socket.IO and plain WebSocket. Called once, inside a
    /// runtime.
    pub(crate) fn doors(&self, ports: SessionPorts) -> (::socketio::Server, PlainWebSocket) {
        let SessionPorts { messaging, directory, tokens, clock, origins, limits } = ports;
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
            clock,
            limits: limits.clone(),
            connection_limiter: connection_limiter.clone(),
        });
        let plain = PlainWebSocket::new(context.clone(), origins.clone());
        let recovery = self.settings.recovery_key.is_some();
        let socket = ::socketio::Config { recovery, ..self.settings.socket.clone() };
        let server = ::socketio::Server::builder(socket)
            .namespace(NAMESPACE, MessagingNamespace::new(context))
            .admission(move |request| {
                admission::admit(request, &origins, &limits, &connection_limiter)
            })
            .build();
        (server, plain)
    }
}
