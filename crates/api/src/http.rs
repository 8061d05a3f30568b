//! REST: every route, and what stands between it and the world.

mod attachments;
pub(crate) mod context;
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

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig, delete, patch, post, put},
};
use context::Context;
use middleware::{no_such_route, read};

pub(crate) use middleware::{RequestSpan, normalise_response};

pub use context::Settings;
pub use internal::openapi::openapi_internal_json;
pub use openapi::openapi_json;

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
