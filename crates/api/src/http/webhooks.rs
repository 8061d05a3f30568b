//! What Mailgun tells: that a mail came back, that somebody complained, that somebody answered. It is
//! believed by its signature. Mailgun tells again for some hours unless it is told 200 or 406, so 406
//! is for what would be no better the next time.

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

/// Both routes. There are no CORS headers: pages do not tell such things.
pub(super) fn configure(config: &mut ServiceConfig) {
    let webhooks = web::scope("/webhooks/mailgun")
        .route("/events", post().to(events::events))
        .route("/inbound", post().to(inbound::inbound))
        .default_service(web::to(no_such_route))
        .wrap(from_fn(throttle_programs));
    config.service(webhooks);
}

/// The right to do what was told under `stamp`, once.
fn admitted(context: &Context, stamp: &Stamp<'_>) -> Result<WebhookPermit, Failure> {
    let webhooks = context.webhooks.as_ref().ok_or_else(Failure::no_webhooks)?;
    Ok(webhooks.admit(stamp)?)
}

/// What becomes of a ticket: it is used up by what was done and by what will never be, and given back
/// when the fault is ours and may pass.
fn settle<T>(ticket: WebhookPermit, outcome: Result<T, Failure>) -> Result<T, Failure> {
    let may_pass = |failure: &Failure| failure.code().status().is_server_error();
    if !outcome.as_ref().is_err_and(may_pass) {
        ticket.used();
    }
    outcome
}
