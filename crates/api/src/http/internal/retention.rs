#[cfg(test)]
mod tests;
use actix_web::{
    HttpResponse,
    web::{Data, Json},
};
use domain::ids::{ConversationId, UserId};

use super::{Program, schema};
use crate::{
    error::{Code, Failure},
    http::{
        Context,
        extract::{Body, InPath},
    },
    input, texts, wire,
};

/// How long everybody's conversations are kept.
#[utoipa::path(
    get, path = "/internal/retention", tag = "retention", operation_id = "getRetention",
    responses((status = 200, description = "The policy in force", body = wire::RetentionPolicy)),
)]
#[tracing::instrument(name = "http.retention.show", skip_all)]
pub(crate) async fn show(
    _program: Program,
    context: Data<Context>,
) -> Result<Json<wire::RetentionPolicy>, Failure> {
    Ok(Json(context.services.retention.retention_policy().await?.into()))
}

/// Says how long everybody's conversations are kept, in place of what was said before or is
/// configured.
#[utoipa::path(
    put, path = "/internal/retention", tag = "retention", operation_id = "putRetention",
    request_body = schema::RetentionPolicy,
    responses((status = 204, description = "The next night goes by it")),
)]
#[tracing::instrument(name = "http.retention.put", skip_all)]
pub(crate) async fn put(
    _program: Program,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let policy = input::retention_policy(&body.fields().await?)?;
    context.services.retention.put_retention_policy(policy).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a salon has of its own.
#[utoipa::path(
    get, path = "/internal/retention/salons/{id}", tag = "retention",
    operation_id = "getSalonRetention",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "The platform's id of the salon.")),
    responses((status = 200, description = "What it has of its own", body = wire::SalonRetention)),
)]
#[tracing::instrument(name = "http.retention.show_salon", skip_all, fields(user.id = %id.0))]
pub(crate) async fn show_salon(
    _program: Program,
    id: InPath<UserId>,
    context: Data<Context>,
) -> Result<Json<wire::SalonRetention>, Failure> {
    let own = context.services.retention.salon_retention(&id.0).await?;
    let none = || Failure::new(Code::RetentionNotFound, texts::RETENTION_NOT_FOUND);
    Ok(Json(own.ok_or_else(none)?.into()))
}

/// Gives a salon a policy of its own, a legal hold on all its conversations, or both, in place of what
/// it had.
#[utoipa::path(
    put, path = "/internal/retention/salons/{id}", tag = "retention",
    operation_id = "putSalonRetention",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "The platform's id of the salon.")),
    request_body = schema::SalonRetention,
    responses((status = 204, description = "The next night goes by it")),
)]
#[tracing::instrument(name = "http.retention.put_salon", skip_all, fields(user.id = %id.0))]
pub(crate) async fn put_salon(
    _program: Program,
    id: InPath<UserId>,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let own = input::salon_retention(&body.fields().await?)?;
    context.services.retention.put_salon_retention(&id.0, own).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes away what a salon has of its own, a legal hold included. Repeated, it changes nothing.
#[utoipa::path(
    delete, path = "/internal/retention/salons/{id}", tag = "retention",
    operation_id = "dropSalonRetention",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "The platform's id of the salon.")),
    responses((status = 204, description = "It has nothing of its own")),
)]
#[tracing::instrument(name = "http.retention.drop_salon", skip_all, fields(user.id = %id.0))]
pub(crate) async fn drop_salon(
    _program: Program,
    id: InPath<UserId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    context.services.retention.drop_salon_retention(&id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Puts a conversation under a legal hold: from now on nothing in it is archived or deleted for its
/// age. Repeated, it changes nothing.
#[utoipa::path(
    put, path = "/internal/retention/holds/{id}", tag = "retention",
    operation_id = "holdConversation",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "The conversation.")),
    responses((status = 204, description = "It is held")),
)]
#[tracing::instrument(name = "http.retention.hold", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn hold(
    _program: Program,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    if context.services.retention.hold_conversation(&id.0).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(Failure::new(Code::ConversationNotFound, texts::NO_CONVERSATION_TO_HOLD))
}

/// Ends a conversation's legal hold. Repeated, it changes nothing.
#[utoipa::path(
    delete, path = "/internal/retention/holds/{id}", tag = "retention",
    operation_id = "releaseConversation",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "The conversation.")),
    responses((status = 204, description = "It is not held")),
)]
#[tracing::instrument(name = "http.retention.release", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn release(
    _program: Program,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    context.services.retention.release_conversation(&id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
