//! Mailgun's webhooks: bounces, complaints and replies by mail, authenticated by their signature. Mailgun
//! retries for some hours unless the response is 200 or 406, so 406 is for what no retry would change.

pub(super) mod events;
mod form;
pub(super) mod inbound;
mod mail;

#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use inbound::fuzz_mail;

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig, post},
};

use super::middleware::{no_such_route, throttle_programs};

/// Mounts both routes. There are no CORS headers: no page calls them.
pub(super) fn configure(config: &mut ServiceConfig) {
    let webhooks = web::scope("/webhooks/mailgun")
        .route("/events", post().to(events::events))
        .route("/inbound", post().to(inbound::inbound))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle_programs));
    config.service(webhooks);
}
