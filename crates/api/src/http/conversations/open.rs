use actix_web::{HttpResponse, web::Data};

use crate::{
    failure::Failure,
    http::{Context, body::Body, caller::Caller, command::run_to_completion, schema},
    input, wire,
};

/// Opens a conversation with a client, or finds the one there already is for that booking.
#[utoipa::path(
    post, path = "/messaging/conversations", tag = "conversations",
    operation_id = "openConversation",
    request_body = schema::NewConversation,
    responses((status = 201, description = "The conversation", body = wire::Conversation)),
)]
#[tracing::instrument(name = "http.conversation.open", skip_all)]
pub(crate) async fn open(
    Caller(caller): Caller,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let new = input::new_conversation(&body.fields().await?)?;
    let messaging = context.messaging.clone();
    let opened =
        run_to_completion(async move { Ok(messaging.open_conversation(&caller, new).await?) });
    Ok(HttpResponse::Created().json(wire::Conversation::from(&opened.await?)))
}

#[cfg(test)]
mod tests;
