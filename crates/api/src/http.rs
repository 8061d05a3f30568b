//! REST: every route, and what stands between it and the world.

mod attachments;
mod conversations;
mod dev_mail;
mod docs;
mod error_response;
mod export;
mod extract;
mod files;
mod health;
mod html;
mod internal;
mod messages;
mod middleware;
mod multipart;
mod openapi;
mod preferences;
pub(crate) mod schema;
#[cfg(test)]
mod tests;
mod unread;
mod unsubscribe;
mod webhooks;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    middleware::from_fn,
    web::{self, Data, ServiceConfig, delete, patch, post, put},
};
use domain::{
    Messaging, Uploads,
    ports::{Files, Ids},
};
use middleware::read;

use crate::{
    JobNotifier,
    authenticator::Authenticator,
    error::{Code, Failure},
    limits::Limits,
    links::Links,
    mail::{DevMails, UnsubscribeLinks, Webhooks},
    origins::Origins,
    readiness::Readiness,
    texts,
};

pub(crate) use middleware::{RequestSpan, normalise_response};

pub use internal::openapi::openapi_internal_json;
pub use openapi::openapi_json;

/// The bounds of REST.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The pages that may call from a browser, over REST and sockets.
    pub origins: Origins,
    /// The largest JSON body, in bytes.
    pub json_body_max_bytes: usize,
    /// The largest JSON body of a program that tells of many people at once, in bytes.
    pub internal_body_max_bytes: usize,
    /// How long a body may take to arrive, in milliseconds.
    pub body_deadline_ms: u64,
    /// How long an uploaded file may take to arrive, in milliseconds.
    pub upload_deadline_ms: u64,
    /// How long the store may take to say that it is there, in milliseconds.
    pub readiness_deadline_ms: u64,
    /// Whether the documentation is served under `/docs/`.
    pub serve_docs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            origins: Origins::default(),
            json_body_max_bytes: 262_144,
            internal_body_max_bytes: 4_194_304,
            body_deadline_ms: 30_000,
            upload_deadline_ms: 120_000,
            readiness_deadline_ms: 2_000,
            serve_docs: true,
        }
    }
}

/// What handlers work with.
pub(crate) struct Context {
    pub(crate) messaging: Messaging,
    pub(crate) uploads: Uploads,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) links: Links,
    pub(crate) unsubscribe: UnsubscribeLinks,
    pub(crate) webhooks: Option<Webhooks>,
    pub(crate) dev_mail: Option<Arc<dyn DevMails>>,
    pub(crate) wake: JobNotifier,
    pub(crate) authenticator: Authenticator,
    pub(crate) limits: Limits,
    pub(crate) readiness: Readiness,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) settings: Settings,
}

impl Context {
    /// What was handed to the application that `request` came to.
    fn of(request: &HttpRequest) -> Result<Data<Self>, Failure> {
        request.app_data::<Data<Self>>().cloned().ok_or_else(|| Failure::internal(NoContext))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the application was put together without its context")]
struct NoContext;

/// Mounts `sockets` at `path`, behind the CORS headers that a page needs to poll. Whether the page may
/// open a socket at all is decided at their own door, in the protocol's words.
pub(crate) fn configure_sockets(
    config: &mut ServiceConfig,
    path: &str,
    sockets: &socketio::Server,
    settings: &Settings,
) {
    let scope = web::scope(path).configure(|scope| sockets.configure("/", scope));
    config.service(scope.wrap(middleware::allowed(&settings.origins)));
}

/// Every route.
pub(crate) fn configure(config: &mut ServiceConfig, context: &Context) {
    let settings = &context.settings;
    config
        .route("/health/live", read().to(health::live))
        .route("/health/ready", read().to(health::ready));
    if settings.serve_docs {
        docs::configure(config);
    }
    internal::configure(config);
    unsubscribe::configure(config);
    if context.webhooks.is_some() {
        webhooks::configure(config);
    }
    if context.dev_mail.is_some() {
        dev_mail::configure(config);
    }
    let rest = web::scope("")
        // Before `{id}`, which `unread` would be otherwise.
        .route("/messaging/conversations/unread/total", read().to(unread::total))
        .route("/messaging/conversations/unread", read().to(unread::list))
        .route("/messaging/conversations", post().to(conversations::open))
        .route("/messaging/conversations", read().to(conversations::list))
        .route("/messaging/conversations/{id}", read().to(conversations::show))
        .route("/messaging/conversations/{id}", patch().to(conversations::change))
        .route("/messaging/conversations/{id}", delete().to(conversations::delete))
        .route("/messaging/conversations/{id}/archive", patch().to(conversations::archive))
        .route("/messaging/conversations/{id}/mark-read", patch().to(conversations::mark_read))
        .route("/messaging/conversations/{id}/messages", post().to(messages::send))
        .route("/messaging/conversations/{id}/messages", read().to(messages::list))
        .route("/messaging/conversations/{id}/events", read().to(messages::events))
        .route("/messaging/messages/{id}/read", patch().to(messages::mark_read))
        .route("/messaging/messages/{id}", delete().to(messages::delete))
        .route("/messaging/attachments", post().to(attachments::upload))
        .route("/messaging/attachments/{id}", read().to(attachments::show))
        .route("/notification-preferences", read().to(preferences::show))
        .route("/notification-preferences", patch().to(preferences::change))
        .route("/notification-preferences", put().to(preferences::put))
        .route("/notification-preferences/mute", post().to(preferences::mute))
        .route("/notification-preferences/mute/{id}", delete().to(preferences::unmute))
        .route("/messaging/me/export", read().to(export::request))
        .route("/messaging/exports/{id}/archive", read().to(export::fetch))
        .route("/messaging/files/{id}/{form}", read().to(files::fetch))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(middleware::throttle))
        .wrap(middleware::allowed(&settings.origins))
        .wrap(from_fn(middleware::gate));
    config.service(rest);
}

/// A path or method nobody listens to.
async fn no_such_route(request: HttpRequest) -> Result<HttpResponse, Failure> {
    let text = texts::cannot(request.method().as_str(), request.path());
    Err(Failure::new(Code::NotFound, text))
}
