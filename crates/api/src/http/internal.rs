//! The internal API for programs of the platform: the directory, booking events, erasure, revocation and
//! retention.
//! People's tokens are refused, and pages cannot call it: there are no CORS headers.

mod appointments;
mod erasures;
pub(crate) mod openapi;
mod participants;
mod retention;
mod revocations;
mod schema;

use actix_web::{
    guard::fn_guard,
    middleware::from_fn,
    web::{self, ServiceConfig, delete, get, post, put},
};

use super::middleware::{no_such_route, throttle_programs};

/// Path prefix of the internal API.
const PREFIX: &str = "/internal";

/// Mounts all routes. The router matches the decoded path; the guard requires the prefix to be unescaped
/// (not `/%69nternal`), so that a proxy that blocks `/internal` blocks all of them.
pub(super) fn configure(config: &mut ServiceConfig) {
    let internal = web::scope(PREFIX)
        .guard(fn_guard(|request| request.head().uri.path().starts_with(PREFIX)))
        .route("/participants/{id}", put().to(participants::put_one))
        .route("/participants/{id}", delete().to(erasures::request))
        .route("/participants/{id}/revoke", post().to(revocations::revoke))
        .route("/participants:batch", post().to(participants::put_many))
        .route("/erasures/{id}", get().to(erasures::status))
        .route("/appointments/events", post().to(appointments::receive))
        .route("/conversations", get().to(appointments::conversations))
        .route("/retention", get().to(retention::show))
        .route("/retention", put().to(retention::put))
        .route("/retention/salons/{id}", get().to(retention::show_salon))
        .route("/retention/salons/{id}", put().to(retention::put_salon))
        .route("/retention/salons/{id}", delete().to(retention::drop_salon))
        .route("/retention/holds/{id}", put().to(retention::hold))
        .route("/retention/holds/{id}", delete().to(retention::release))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle_programs));
    config.service(internal);
}

#[cfg(test)]
mod tests;
