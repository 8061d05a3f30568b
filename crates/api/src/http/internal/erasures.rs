#[cfg(test)]
mod tests;
use actix_web::{
    HttpResponse,
    web::{Data, Json},
};
use domain::ids::UserId;

use super::Program;
use crate::{
    error::{Code, Failure},
    http::{
        Context,
        extract::{InPath, run_to_completion},
    },
    texts, wire,
};

/// Forgets a person. Nobody sees their name from now on; their messages and files follow soon.
/// Repeated, it changes nothing and shows how far that is.
#[utoipa::path(
    delete, path = "/internal/participants/{id}", tag = "participants",
    operation_id = "eraseParticipant",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "The platform's id of the person.")),
    responses((status = 202, description = "The receipt", body = wire::Erasure)),
)]
#[tracing::instrument(name = "http.participant.erase", skip_all, fields(user.id = %id.0))]
pub(crate) async fn request(
    _program: Program,
    id: InPath<UserId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let privacy = context.services.privacy.clone();
    let erasure =
        run_to_completion(async move { Ok(privacy.request_erasure(&id.0).await?) }).await?;
    (context.wake)();
    Ok(HttpResponse::Accepted().json(wire::Erasure::from(&erasure)))
}

/// The receipt of an erasure: what was erased, and whether anything is left.
#[utoipa::path(
    get, path = "/internal/erasures/{id}", tag = "participants",
    operation_id = "getErasure",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "The platform's id of the person.")),
    responses((status = 200, description = "The receipt", body = wire::Erasure)),
)]
#[tracing::instrument(name = "http.erasure.show", skip_all, fields(user.id = %id.0))]
pub(crate) async fn receipt(
    _program: Program,
    id: InPath<UserId>,
    context: Data<Context>,
) -> Result<Json<wire::Erasure>, Failure> {
    let erasure = context.services.privacy.erasure(&id.0).await?;
    let none = || Failure::new(Code::ErasureNotFound, texts::ERASURE_NOT_FOUND);
    Ok(Json(wire::Erasure::from(&erasure.ok_or_else(none)?)))
}
