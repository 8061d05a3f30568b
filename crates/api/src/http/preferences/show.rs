use actix_web::web::{Data, Json};

use crate::{
    failure::Failure,
    http::{Context, caller::Caller},
    wire,
};

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
    let preferences = context.messaging.preferences(&caller.user).await?;
    Ok(Json(wire::Preferences::from(&preferences)))
}
