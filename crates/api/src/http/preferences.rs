//! What a person wants to hear of by mail, and of which conversations not.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json},
};
use domain::ids::ConversationId;

use super::{
    context::Context,
    extract::{Body, Caller},
    schema,
};
use crate::{error::Failure, input, wire};

/// Changes what the caller wants to hear of by mail. What is left out stays as it is.
#[utoipa::path(
    patch, path = "/notification-preferences", tag = "preferences",
    operation_id = "changePreferences",
    request_body = schema::PreferenceChange,
    responses((status = 200, description = "The preferences", body = wire::Preferences)),
)]
#[tracing::instrument(name = "http.preferences.change", skip_all)]
pub(crate) async fn change(
    Caller(caller): Caller,
    body: Body,
    context: Data<Context>,
) -> Result<Json<wire::Preferences>, Failure> {
    let change = input::preference_change(&body.fields().await?)?;
    let preferences =
        context.services.preferences.change_preferences(&caller.user, &change).await?;
    Ok(Json(wire::Preferences::from(&preferences)))
}

/// The same as `PATCH`, for front ends that say `PUT`: what is left out stays as it is here too.
#[utoipa::path(
    put, path = "/notification-preferences", tag = "preferences", operation_id = "putPreferences",
    request_body = schema::PreferenceChange,
    responses((status = 200, description = "The preferences", body = wire::Preferences)),
)]
pub(crate) async fn put(
    caller: Caller,
    body: Body,
    context: Data<Context>,
) -> Result<Json<wire::Preferences>, Failure> {
    change(caller, body, context).await
}

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
    context.services.preferences.mute(&caller.user, &id).await?;
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
        context.services.preferences.unmute(&caller.user, &id).await?;
    }
    Ok(HttpResponse::Ok().finish())
}

/// What the caller wants to hear of by mail: the usual, until they say anything else.
#[utoipa::path(
    get, path = "/notification-preferences", tag = "preferences", operation_id = "getPreferences",
    responses((status = 200, description = "The preferences", body = wire::Preferences)),
)]
#[tracing::instrument(name = "http.preferences.show", skip_all)]
pub(crate) async fn show(
    Caller(caller): Caller,
    context: Data<Context>,
) -> Result<Json<wire::Preferences>, Failure> {
    let preferences = context.services.preferences.preferences(&caller.user).await?;
    Ok(Json(wire::Preferences::from(&preferences)))
}

#[cfg(test)]
mod tests;
