//! Mailgun's webhooks: bounces, complaints and replies by mail, authenticated by their signature. Mailgun
//! retries for some hours unless the response is 200 or 406, so 406 is for what no retry would change.

pub(super) mod events;
mod form;
pub(super) mod inbound;
mod mail;

#[cfg(test)]
mod tests;
use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig, post},
};

use super::{
    context::Context,
    middleware::{no_such_route, throttle_programs},
};
use crate::{
    error::Failure,
    mail::{Stamp, WebhookPermit},
};

/// Mounts both routes. There are no CORS headers: no page calls them.
pub(super) fn configure(config: &mut ServiceConfig) {
    let webhooks = web::scope("/webhooks/mailgun")
        .route("/events", post().to(events::events))
        .route("/inbound", post().to(inbound::inbound))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle_programs));
    config.service(webhooks);
}

/// Verifies `stamp` and returns the permission to execute the call once.
fn admit(context: &Context, stamp: &Stamp<'_>) -> Result<WebhookPermit, Failure> {
    let webhooks = context.webhooks.as_ref().ok_or_else(Failure::no_webhooks)?;
    Ok(webhooks.admit(stamp)?)
}

/// Uses up a permit, unless the call failed on our side and may be retried.
fn settle<T>(permit: WebhookPermit, outcome: Result<T, Failure>) -> Result<T, Failure> {
    let is_temporary = |failure: &Failure| failure.code().status().is_server_error();
    if !outcome.as_ref().is_err_and(is_temporary) {
        permit.used();
    }
    outcome
}
