use actix_web::{HttpRequest, HttpResponse, http::header::HeaderMap, web::Data};
use domain::id::ConversationId;

use crate::{
    failure::Failure,
    http::{
        Context,
        body::Body,
        caller::Caller,
        command::{hide_from_strangers, run_to_completion},
        cors::IDEMPOTENCY_KEY,
        path::InPath,
        schema,
    },
    input, texts, wire,
};

/// Sends a message: when this answers, it is on disk, once. An archived conversation comes back
/// with it.
#[utoipa::path(
    post, path = "/messaging/conversations/{id}/messages", tag = "messages",
    operation_id = "sendMessage",
    params(
        ("id" = String, Path, max_length = 64, description = "Which conversation."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 64,
            pattern = "^[A-Za-z0-9_-]+$",
            description = "The same as `clientMessageId` in the body; when both are given they must be equal."),
    ),
    request_body = schema::NewMessage,
    responses((status = 201, description = "The message; of a repeated key, the first one",
        body = wire::Message)),
)]
#[tracing::instrument(name = "http.message.send", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn send(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    body: Body,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let (id, user) = (id.0, caller.user);
    context.limits.allow_send(&user)?;
    let fields = body.fields().await?;
    let draft = key(request.headers()).and_then(|key| input::draft(&fields, key));
    let draft = match draft {
        Ok(draft) => draft,
        Err(failure) => return Err(hide_from_strangers(failure, &context, &id, &user).await),
    };
    let messaging = context.messaging.clone();
    let sent =
        run_to_completion(async move { Ok(messaging.send_message(&id, &user, draft).await?) });
    Ok(HttpResponse::Created().json(wire::Message::new(&sent.await?.message, &context.links)))
}

/// The `Idempotency-Key`, at most one. What is no text is handed on as a text that no key can be.
fn key(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).map(|key| key.to_str().unwrap_or(""));
    let key = keys.next();
    if keys.next().is_some() {
        return Err(Failure::validation(vec![texts::given_twice("Idempotency-Key")]));
    }
    Ok(key)
}

#[cfg(test)]
mod tests;
