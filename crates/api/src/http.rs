//! REST: all routes and their middleware.

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
use middleware::{get_or_head, no_such_route};

pub(crate) use middleware::{RequestSpan, normalise_response};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use {multipart::fuzz_form, webhooks::fuzz_mail};

pub use context::Settings;
pub use extract::Authenticated;
pub use internal::openapi::openapi_internal_json;
pub use openapi::openapi_json;

/// Mounts the Socket.IO server at `path`, with the CORS headers that pages need for polling. Whether the
/// origin may connect is decided by the Socket.IO server itself, which answers in its own protocol; every
/// further request of a session is checked here.
pub(crate) fn configure_sockets(
    config: &mut ServiceConfig,
    path: &str,
    sockets: &socketio::Server,
    settings: &Settings,
) {
    let scope = web::scope(path).configure(|scope| sockets.configure("/", scope));
    let scope = scope.wrap(from_fn(middleware::check_origin_of_session));
    config.service(scope.wrap(middleware::cors(&settings.origins)));
}

/// What an address serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Everything.
    All,
    /// Everything but `/internal`.
    Public,
    /// `/internal` and the health checks.
    Internal,
}

fn configure_health(config: &mut ServiceConfig) {
    config
        .route("/health/live", get_or_head().to(health::live))
        .route("/health/ready", get_or_head().to(health::ready));
}

/// Mounts the internal API and the health checks, and nothing else.
pub(crate) fn configure_internal(config: &mut ServiceConfig) {
    configure_health(config);
    internal::configure(config);
    config.default_service(web::to(no_such_route));
}

/// Mounts all routes but the sockets, with or without the internal API.
pub(crate) fn configure(config: &mut ServiceConfig, context: &Context, with_internal: bool) {
    let settings = &context.settings;
    configure_health(config);
    if settings.serve_docs {
        docs::configure(config);
    }
    if with_internal {
        internal::configure(config);
    }
    unsubscribe::configure(config);
    if context.webhooks.is_some() {
        webhooks::configure(config);
    }
    if context.dev_mail.is_some() {
        dev_mail::configure(config);
    }
    let rest = web::scope("")
        // Before `{id}`, which would match `unread` too.
        .route("/messaging/conversations/unread/total", get_or_head().to(unread::total))
        .route("/messaging/conversations/unread", get_or_head().to(unread::list))
        .route("/messaging/conversations", post().to(conversations::open))
        .route("/messaging/conversations", get_or_head().to(conversations::list))
        // Each route with an id is tried in turn, so the busiest come first.
        .route("/messaging/conversations/{id}/messages", get_or_head().to(messages::list))
        .route("/messaging/conversations/{id}/messages", post().to(messages::send))
        .route("/messaging/conversations/{id}", get_or_head().to(conversations::show))
        .route("/messaging/conversations/{id}", patch().to(conversations::change))
        .route("/messaging/conversations/{id}", delete().to(conversations::delete))
        .route("/messaging/conversations/{id}/archive", patch().to(conversations::archive))
        .route("/messaging/conversations/{id}/mark-read", patch().to(conversations::mark_read))
        .route("/messaging/conversations/{id}/events", get_or_head().to(messages::events))
        .route("/messaging/messages/{id}/read", patch().to(messages::mark_read))
        .route("/messaging/messages/{id}", delete().to(messages::delete))
        .route("/messaging/attachments", post().to(attachments::upload))
        .route("/messaging/attachments/{id}", get_or_head().to(attachments::show))
        .route("/notification-preferences", get_or_head().to(preferences::show))
        .route("/notification-preferences", patch().to(preferences::change))
        .route("/notification-preferences", put().to(preferences::put))
        .route("/notification-preferences/mute", post().to(preferences::mute))
        .route("/notification-preferences/mute/{id}", delete().to(preferences::unmute))
        .route("/messaging/me/export", get_or_head().to(export::request))
        .route("/messaging/exports/{id}/archive", get_or_head().to(export::fetch))
        .route("/messaging/files/{id}/{form}", get_or_head().to(files::fetch))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(middleware::throttle))
        .wrap(middleware::cors(&settings.origins))
        .wrap(from_fn(middleware::check_origin));
    config.service(rest);
}
