use actix_web::{HttpResponse, web::Data};
use domain::participant::EMAIL_MAX_CHARS;
use serde_json::Value;

use crate::{
    error::Failure,
    http::{
        Context,
        extract::{Body, run_to_completion},
    },
    input::Fields,
    mail::Stamp,
};

/// Receives delivery events of mails. After a permanent failure or a complaint, the address gets no more
/// mail; all other events are accepted and ignored.
#[utoipa::path(
    post, path = "/webhooks/mailgun/events", tag = "mail", operation_id = "reportMailEvent",
    request_body(
        content = Object, content_type = "application/json",
        description = "A Mailgun event with its `signature`.",
    ),
    responses((status = 200, description = "Processed or ignored")),
    security(()),
)]
#[tracing::instrument(name = "http.webhook.event", skip_all)]
pub(crate) async fn events(body: Body, context: Data<Context>) -> Result<HttpResponse, Failure> {
    let fields = body.fields().await?;
    let permit = context.admit_webhook(&stamp(&fields)).await?;
    let Some((reason, address)) = suppressed(&fields) else {
        permit.settle(Ok(()), Failure::is_temporary).await?;
        return Ok(HttpResponse::Ok().finish());
    };
    let (preferences, address) = (context.services.preferences.clone(), address.to_owned());
    run_to_completion(async move {
        let noted = preferences.suppress_address(&address).await.map_err(Failure::from);
        let people = permit.settle(noted, Failure::is_temporary).await?;
        tracing::info!(reason, people, "mail address suppressed");
        Ok(())
    })
    .await?;
    Ok(HttpResponse::Ok().finish())
}

/// Absent parts become empty, which no signature matches.
fn stamp(fields: &Fields) -> Stamp<'_> {
    let signature = fields.get("signature");
    let part = |name| signature.and_then(|all| all.get(name)?.as_str()).unwrap_or_default();
    Stamp { timestamp: part("timestamp"), token: part("token"), signature: part("signature") }
}

/// The address to suppress and the reason; `None` for all other events.
fn suppressed(fields: &Fields) -> Option<(&'static str, &str)> {
    let event = fields.get("event-data")?;
    let field = |name| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let reason = match (field("event"), field("severity"), field("reason")) {
        ("complained", _, _) => "complaint",
        // Mailgun gave up retrying an unreachable server, which is no evidence against the mailbox.
        ("failed", "permanent", "old") => return None,
        ("failed", "permanent", _) => "permanent_failure",
        _ => return None,
    };
    let address = field("recipient");
    let is_plausible = !address.is_empty() && address.chars().count() <= EMAIL_MAX_CHARS;
    is_plausible.then_some((reason, address))
}
