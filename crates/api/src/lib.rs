//! The REST API and the socket API. A request is parsed into domain values, one service of `domain` is called,
//! and its result is serialised. There are no business rules and no queries here; external systems are
//! reached through ports.
//!
//! Start at [`Api`], which wires the parts, then follow a request: `http` (REST) or `realtime`
//! (sockets: `socketio` and `websocket` are the two transports, `session` executes commands, `hub`
//! delivers events). `input` parses request data, `dto` has the response types, `error` and `texts` the
//! failures and their texts.

mod authenticator;
pub mod dto;
mod ended_tokens;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod http;
pub mod input;
pub mod limits;
pub mod links;
pub mod mail;
pub mod origins;
pub mod readiness;
pub mod realtime;
pub mod session_ends;
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
    ports::{Clock, Files, Ids, JobNotifier, StoreError, TokenVerifier},
    retention::RetentionSettings,
    store::Store,
};
use limits::Limits;
use links::Links;
use mail::{DevMails, Webhooks};
use readiness::Readiness;
use realtime::{PlainWebSocket, Realtime};
use session_ends::SessionEndReader;
use tracing_actix_web::TracingLogger;

pub use http::{Surface, openapi_internal_json, openapi_json};
pub use realtime::asyncapi_json;

/// Path of the Socket.IO server.
const SOCKETIO_PATH: &str = "/socket.io";

/// The ports to external systems.
#[derive(Clone)]
pub struct Ports {
    /// Durable storage.
    pub store: Arc<dyn Store>,
    /// Verifies tokens.
    pub tokens: Arc<dyn TokenVerifier>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Generates ids.
    pub ids: Arc<dyn Ids>,
    /// Stores the bytes of pictures.
    pub files: Arc<dyn Files>,
    /// Mails in a folder, for developers. `None` disables their pages.
    pub dev_mail: Option<Arc<dyn DevMails>>,
    /// Called when new jobs were enqueued.
    pub job_notifier: JobNotifier,
}

/// All settings.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// REST, and the allowed origins.
    pub http: http::context::Settings,
    /// Sockets.
    pub realtime: realtime::Settings,
    /// Rate limits, shared by REST and sockets.
    pub limits: limits::Settings,
    /// Links to files.
    pub links: links::Settings,
    /// Unsubscribe links and inbound webhooks.
    pub mail: mail::Settings,
    /// Uploads.
    pub uploads: UploadSettings,
    /// Default retention.
    pub retention: RetentionSettings,
    /// Revocation of tokens.
    pub session_ends: session_ends::Settings,
}

/// The API of the service. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Api {
    context: Data<http::context::Context>,
    sockets: socketio::Server,
    plain: PlainWebSocket,
    realtime: Realtime,
    session_ends: Arc<SessionEndReader>,
}

impl Api {
    /// Wires the service. Must be called within a Tokio runtime, on which it spawns background tasks.
    pub fn new(settings: Settings, ports: Ports) -> Self {
        let Settings { http, realtime, limits, links, mail, uploads, retention, session_ends } =
            settings;
        let Ports { store, tokens, clock, ids, files, dev_mail, job_notifier } = ports;
        let limits = Limits::new(limits);
        let links = Links::new(links, clock.clone());
        let realtime = Realtime::new(realtime, store.clone(), links.clone());
        let session_ends = Arc::new(SessionEndReader::new(
            store.clone(),
            realtime.hub().clone(),
            clock.clone(),
            session_ends,
        ));
        session_ends.clone().follow();
        let services = Services::new(store.clone(), realtime.fanout(), clock.clone(), ids.clone())
            .with_retention(retention)
            .with_reply_age_max_ms(mail.reply_age_ms_max);
        let uploads =
            Uploads::new(store.clone(), files.clone(), clock.clone(), ids.clone(), uploads);
        let webhooks = mail.webhook_key.map(|key| Webhooks::new(key, clock.clone(), store.clone()));
        let (sockets, plain) = realtime.front_doors(realtime::SessionPorts {
            messaging: services.messaging.clone(),
            directory: services.directory.clone(),
            tokens: tokens.clone(),
            session_ends: session_ends.clone(),
            clock,
            origins: http.origins.clone(),
            limits: limits.clone(),
        });
        let context = Data::new(http::context::Context {
            authenticator: Authenticator::new(
                tokens,
                session_ends.clone(),
                services.directory.clone(),
            ),
            readiness: Readiness::new(store, http.readiness_deadline_ms),
            ids,
            services,
            uploads,
            files,
            links,
            unsubscribe: mail.unsubscribe,
            webhooks,
            dev_mail,
            job_notifier,
            limits,
            settings: http,
        });
        Self { context, sockets, plain, realtime, session_ends }
    }

    /// The actix-web application, the same for the server and for tests.
    pub fn app(
        &self,
        surface: Surface,
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
                if surface == Surface::Internal {
                    return http::configure_internal(config);
                }
                http::configure_sockets(
                    config,
                    SOCKETIO_PATH,
                    &self.sockets,
                    &self.context.settings,
                );
                self.plain.configure(realtime::NAMESPACE, config);
                http::configure(config, &self.context, surface == Surface::All);
            })
            .wrap(TracingLogger::<http::RequestSpan>::new())
            .wrap(from_fn(http::normalise_response))
    }

    /// The services, for background jobs. They publish events to the sockets of this node.
    pub fn services(&self) -> Services {
        self.context.services.clone()
    }

    /// Reads which tokens count no longer. Called before this node serves: until it has succeeded once, no token
    /// of a person is taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read_session_ends(&self) -> Result<(), StoreError> {
        self.session_ends.read_new().await
    }

    /// The readiness check of this node.
    pub fn readiness(&self) -> Readiness {
        self.context.readiness.clone()
    }

    /// Marks this node as not ready, notifies its sockets and closes them, within `deadline`. REST continues
    /// until the server is stopped.
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
