use actix_web::{HttpResponse, web::Data};
use domain::participant::EMAIL_MAX_CHARS;
use serde_json::Value;

use super::{admitted, settle};
use crate::{
    error::Failure,
    http::{
        Context,
        extract::{Body, run_to_completion},
    },
    input::Fields,
    mail::Stamp,
};

/// Takes what became of a mail. An address that will never take mail, or whose owner complained, gets
/// none any more; everything else is fine, and changes nothing.
#[utoipa::path(
    post, path = "/webhooks/mailgun/events", tag = "mail", operation_id = "reportMailEvent",
    request_body(
        content = Object, content_type = "application/json",
        description = "An event as Mailgun tells it, with its `signature`.",
    ),
    responses((status = 200, description = "It is noted, or of no interest")),
    security(()),
)]
#[tracing::instrument(name = "http.webhook.event", skip_all)]
pub(crate) async fn events(body: Body, context: Data<Context>) -> Result<HttpResponse, Failure> {
    let fields = body.fields().await?;
    let permit = admitted(&context, &stamp(&fields))?;
    let Some((reason, address)) = suppressed(&fields) else {
        permit.used();
        return Ok(HttpResponse::Ok().finish());
    };
    let (preferences, address) = (context.services.preferences.clone(), address.to_owned());
    run_to_completion(async move {
        let noted = preferences.suppress_address(&address).await.map_err(Failure::from);
        let people = settle(permit, noted)?;
        tracing::info!(reason, people, "an address gets no more mail");
        Ok(())
    })
    .await?;
    Ok(HttpResponse::Ok().finish())
}

/// What is not there signs nothing.
fn stamp(fields: &Fields) -> Stamp<'_> {
    let signature = fields.get("signature");
    let part = |name| signature.and_then(|all| all.get(name)?.as_str()).unwrap_or_default();
    Stamp { timestamp: part("timestamp"), token: part("token"), signature: part("signature") }
}

/// The address that gets no more mail, and why; `None` when the event says nothing of the kind.
fn suppressed(fields: &Fields) -> Option<(&'static str, &str)> {
    let event = fields.get("event-data")?;
    let says = |name| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let reason = match (says("event"), says("severity"), says("reason")) {
        ("complained", _, _) => "complaint",
        // Mailgun gave up waiting for a server: that says nothing of the mailbox.
        ("failed", "permanent", "old") => return None,
        ("failed", "permanent", _) => "permanent_failure",
        _ => return None,
    };
    let address = says("recipient");
    let is_one = !address.is_empty() && address.chars().count() <= EMAIL_MAX_CHARS;
    is_one.then_some((reason, address))
}
