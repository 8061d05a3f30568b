use actix_web::{HttpRequest, HttpResponse, web::Data};
use domain::id::ConversationId;

use crate::{
    failure::Failure,
    http::{Context, body::Body, caller::Caller, schema},
    input,
};

/// No more mail to the caller about a conversation. Repeated, it changes nothing.
#[utoipa::path(
    post, path = "/notification-preferences/mute", tag = "preferences",
    operation_id = "muteConversation",
    request_body = schema::Mute,
    responses((status = 201, description = "It is muted")),
)]
#[tracing::instrument(name = "http.preferences.mute", skip_all)]
pub(crate) async fn mute(
    Caller(caller): Caller,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let fields = body.fields().await?;
    let id = ConversationId::parse(input::muted_conversation(&fields)?);
    let id = id.map_err(|_| Failure::conversation_not_found())?;
    context.messaging.mute(&caller.user, &id).await?;
    Ok(HttpResponse::Created().finish())
}

/// Mail about a conversation may come again. That it was not muted, or is not there, is fine.
#[utoipa::path(
    delete, path = "/notification-preferences/mute/{id}", tag = "preferences",
    operation_id = "unmuteConversation",
    params(("id" = String, Path, max_length = 64, description = "Which conversation.")),
    responses((status = 200, description = "It is not muted")),
)]
#[tracing::instrument(name = "http.preferences.unmute", skip_all)]
pub(crate) async fn unmute(
    Caller(caller): Caller,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let id = request.match_info().get("id").unwrap_or_default();
    // What no conversation can be called is muted by nobody.
    if let Ok(id) = ConversationId::parse(id) {
        context.messaging.unmute(&caller.user, &id).await?;
    }
    Ok(HttpResponse::Ok().finish())
}
