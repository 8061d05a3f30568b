//! Every route and every socket event: a request is read into domain values, one service of `domain`
//! is called, and its result is answered. There are no rules here and no queries; what is outside is
//! reached through ports.
//!
//! Begin at [`Api`], which puts the parts together, then follow a request: `http` (REST) or `realtime`
//! (sockets: `socketio` and `websocket` are the two entrances, `session` executes commands, `hub`
//! delivers events). `input` reads what callers send, `dto` is what they are answered, `error` and
//! `texts` are what they are told when it fails.

mod authenticator;
pub mod dto;
mod error;
pub mod http;
pub mod input;
pub mod limits;
pub mod links;
pub mod mail;
pub mod origins;
pub mod readiness;
pub mod realtime;
pub mod signing;
#[cfg(test)]
mod testing;
pub mod texts;

use std::{fmt, sync::Arc, time::Duration};

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::Data,
};
use authenticator::Authenticator;
use domain::{
    Services, Uploads,
    conversation::uploads::UploadSettings,
    ports::{Clock, Files, Ids, JobNotifier, TokenVerifier},
    retention::RetentionSettings,
    store::Store,
};
use limits::Limits;
use links::Links;
use mail::{DevMails, Webhooks};
use readiness::Readiness;
use realtime::{PlainWebSocket, Realtime};
use tracing_actix_web::TracingLogger;

pub use http::{openapi_internal_json, openapi_json};
pub use realtime::asyncapi_json;

/// Where sockets are served.
const SOCKETS: &str = "/socket.io";

/// What the service needs of the world.
#[derive(Clone)]
pub struct Ports {
    /// Everything durable.
    pub store: Arc<dyn Store>,
    /// Reads tokens.
    pub tokens: Arc<dyn TokenVerifier>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Mints ids.
    pub ids: Arc<dyn Ids>,
    /// Keeps the bytes of pictures.
    pub files: Arc<dyn Files>,
    /// Mails kept in a folder, for developers. `None`: nobody can look at any.
    pub dev_mail: Option<Arc<dyn DevMails>>,
    /// Called when there are new jobs.
    pub wake: JobNotifier,
}

/// The bounds of everything.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Of REST, and who may call from a browser.
    pub http: http::context::Settings,
    /// Of sockets.
    pub realtime: realtime::Settings,
    /// How much anyone may ask for, over REST and sockets.
    pub limits: limits::Settings,
    /// Of links to files.
    pub links: links::Settings,
    /// Of unsubscribe links and inbound webhooks.
    pub mail: mail::Settings,
    /// Of uploads.
    pub uploads: UploadSettings,
    /// How long things are kept where nobody said otherwise.
    pub retention: RetentionSettings,
}

/// The service as the world sees it. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Api {
    context: Data<http::context::Context>,
    sockets: socketio::Server,
    plain: PlainWebSocket,
    realtime: Realtime,
}

impl Api {
    /// Puts the service together. Called inside a runtime, which its background work then uses.
    pub fn new(settings: Settings, ports: Ports) -> Self {
        let Settings { http, realtime, limits, links, mail, uploads, retention } = settings;
        let Ports { store, tokens, clock, ids, files, dev_mail, wake } = ports;
        let limits = Limits::new(limits);
        let links = Links::new(links, clock.clone());
        let realtime = Realtime::new(realtime, store.clone(), links.clone());
        let services = Services::new(store.clone(), realtime.fanout(), clock.clone(), ids.clone())
            .with_retention(retention);
        let uploads =
            Uploads::new(store.clone(), files.clone(), clock.clone(), ids.clone(), uploads);
        let webhooks = mail.webhook_key.map(|key| Webhooks::new(key, clock.clone()));
        let (sockets, plain) = realtime.doors(realtime::SessionPorts {
            messaging: services.messaging.clone(),
            directory: services.directory.clone(),
            tokens: tokens.clone(),
            clock,
            origins: http.origins.clone(),
            limits: limits.clone(),
        });
        let context = Data::new(http::context::Context {
            authenticator: Authenticator::new(tokens, services.directory.clone()),
            readiness: Readiness::new(store, http.readiness_deadline_ms),
            ids,
            services,
            uploads,
            files,
            links,
            unsubscribe: mail.unsubscribe,
            webhooks,
            dev_mail,
            wake,
            limits,
            settings: http,
        });
        Self { context, sockets, plain, realtime }
    }

    /// The application that answers: the same for the server and for tests.
    pub fn app(
        &self,
    ) -> App<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<impl MessageBody + use<>>,
            Error = Error,
            InitError = (),
        > + use<>,
    > {
        App::new()
            .app_data(self.context.clone())
            .configure(|config| {
                http::configure_sockets(config, SOCKETS, &self.sockets, &self.context.settings);
                self.plain.configure(realtime::NAMESPACE, config);
                http::configure(config, &self.context);
            })
            .wrap(TracingLogger::<http::RequestSpan>::new())
            .wrap(from_fn(http::normalise_response))
    }

    /// The services, which tell the sockets of this node what they change: for whoever does the
    /// work that may wait.
    pub fn services(&self) -> Services {
        self.context.services.clone()
    }

    /// Whether this node should be given work.
    pub fn readiness(&self) -> Readiness {
        self.context.readiness.clone()
    }

    /// Says that this node takes no more work, to its sockets too, then ends them, which is done when this
    /// returns or `deadline` has passed. REST goes on until the server is stopped.
    pub async fn close(&self, deadline: Duration) {
        self.context.readiness.drain();
        self.realtime.drain();
        tokio::join!(self.sockets.close(deadline), self.plain.close(deadline));
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("settings", &self.context.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
