use actix_web::web::{Data, Json};

use crate::{
    failure::Failure,
    http::{Context, body::Body, caller::Caller, schema},
    input, wire,
};

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
    let preferences = context.messaging.change_preferences(&caller.user, &change).await?;
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
