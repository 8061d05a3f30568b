use actix_web::{
    HttpResponse,
    web::{Data, Json},
};
use domain::ids::{ConversationId, UserId};

use super::schema;
use crate::{
    dto,
    error::{Code, Failure},
    http::{
        Context,
        extract::{Body, InPath, Program},
    },
    input, texts,
};

/// Returns the default retention policy.
#[utoipa::path(
    get, path = "/internal/retention", tag = "retention", operation_id = "getRetention",
    responses((status = 200, description = "The effective policy", body = dto::RetentionPolicy)),
)]
#[tracing::instrument(name = "http.retention.show", skip_all)]
pub(crate) async fn show(
    _program: Program,
    context: Data<Context>,
) -> Result<Json<dto::RetentionPolicy>, Failure> {
    Ok(Json(context.services.retention.retention_policy().await?.into()))
}

/// Sets the default retention policy, replacing the previous or configured one.
#[utoipa::path(
    put, path = "/internal/retention", tag = "retention", operation_id = "putRetention",
    request_body = schema::RetentionPolicy,
    responses((status = 204, description = "Done; the next nightly run applies it")),
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

/// Returns the retention settings of a salon.
#[utoipa::path(
    get, path = "/internal/retention/salons/{id}", tag = "retention",
    operation_id = "getSalonRetention",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "User id of the salon.")),
    responses((status = 200, description = "The settings of the salon", body = dto::SalonRetention)),
)]
#[tracing::instrument(name = "http.retention.show_salon", skip_all, fields(user.id = %id.0))]
pub(crate) async fn show_salon(
    _program: Program,
    id: InPath<UserId>,
    context: Data<Context>,
) -> Result<Json<dto::SalonRetention>, Failure> {
    let settings = context.services.retention.salon_retention(&id.0).await?;
    let not_found = || Failure::new(Code::RetentionNotFound, texts::RETENTION_NOT_FOUND);
    Ok(Json(settings.ok_or_else(not_found)?.into()))
}

/// Sets the retention policy of a salon, a legal hold on all its conversations, or both, replacing its
/// previous settings.
#[utoipa::path(
    put, path = "/internal/retention/salons/{id}", tag = "retention",
    operation_id = "putSalonRetention",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "User id of the salon.")),
    request_body = schema::SalonRetention,
    responses((status = 204, description = "Done; the next nightly run applies it")),
)]
#[tracing::instrument(name = "http.retention.put_salon", skip_all, fields(user.id = %id.0))]
pub(crate) async fn put_salon(
    _program: Program,
    id: InPath<UserId>,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let settings = input::salon_retention(&body.fields().await?)?;
    context.services.retention.put_salon_retention(&id.0, settings).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Deletes the retention settings of a salon, its legal hold included. Idempotent.
#[utoipa::path(
    delete, path = "/internal/retention/salons/{id}", tag = "retention",
    operation_id = "dropSalonRetention",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "User id of the salon.")),
    responses((status = 204, description = "Done")),
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

/// Places a legal hold on a conversation: it is not archived and its messages are not deleted for their
/// age. Idempotent.
#[utoipa::path(
    put, path = "/internal/retention/holds/{id}", tag = "retention",
    operation_id = "holdConversation",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "Conversation id.")),
    responses((status = 204, description = "The hold is in place")),
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

/// Releases the legal hold on a conversation. Idempotent.
#[utoipa::path(
    delete, path = "/internal/retention/holds/{id}", tag = "retention",
    operation_id = "releaseConversation",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "Conversation id.")),
    responses((status = 204, description = "There is no hold")),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestApp;

    const ALL: &str = "/internal/retention";
    const S1: &str = "/internal/retention/salons/s1";

    #[actix_web::test]
    async fn the_policy_is_the_configured_one_until_another_is_set() {
        let test_app = TestApp::new().await;
        assert_eq!(test_app.get(ALL, "p1").await.json(), json!({"archiveAfterDays": 90}));
        for policy in [
            json!({"archiveAfterDays": 30, "deleteAfterDays": 365}),
            json!({"archiveAfterDays": 60}),
        ] {
            assert_eq!(test_app.put(ALL, "p1", policy.clone()).await.status, 204);
            assert_eq!(test_app.get(ALL, "p1").await.json(), policy);
        }
    }

    #[actix_web::test]
    async fn settings_of_a_salon_can_be_set_and_deleted() {
        let test_app = TestApp::new().await;
        assert_eq!(test_app.get(S1, "p1").await.failure(), (404, "retention_not_found".to_owned()));
        for (body, shown) in [
            (json!({"legalHold": true}), json!({"legalHold": true})),
            (
                json!({"archiveAfterDays": 7, "deleteAfterDays": null}),
                json!({"archiveAfterDays": 7, "legalHold": false}),
            ),
        ] {
            assert_eq!(test_app.put(S1, "p1", body).await.status, 204);
            assert_eq!(test_app.get(S1, "p1").await.json(), shown);
        }
        for _ in 0..2 {
            assert_eq!(test_app.delete(S1, "p1").await.status, 204);
            assert_eq!(test_app.get(S1, "p1").await.status, 404);
        }
    }

    #[actix_web::test]
    async fn what_is_no_policy_is_refused_with_its_reasons() {
        let test_app = TestApp::new().await;
        for (path, body) in [
            (ALL, json!({})),
            (ALL, json!({"archiveAfterDays": 0})),
            (ALL, json!({"archiveAfterDays": "90"})),
            (ALL, json!({"archiveAfterDays": 1.5})),
            (ALL, json!({"archiveAfterDays": 4_294_967_386_u64})),
            (ALL, json!({"archiveAfterDays": 90, "deleteAfterDays": 29})),
            (S1, json!({"deleteAfterDays": 30})),
            (S1, json!({"legalHold": "yes"})),
            (S1, json!({"archiveAfterDays": 36_501})),
        ] {
            let refused = test_app.put(path, "p1", body.clone()).await;
            assert_eq!(refused.failure(), (400, "validation_failed".to_owned()), "{path} {body}");
        }
        assert_eq!(test_app.get(ALL, "p1").await.json(), json!({"archiveAfterDays": 90}));
        assert_eq!(test_app.get(S1, "p1").await.status, 404);
    }

    #[actix_web::test]
    async fn a_conversation_is_held_and_released() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let id = conversation.rsplit('/').next().expect("a path");
        let hold = format!("/internal/retention/holds/{id}");
        for _ in 0..2 {
            assert_eq!(test_app.put(&hold, "p1", json!({})).await.status, 204);
        }
        for _ in 0..2 {
            assert_eq!(test_app.delete(&hold, "p1").await.status, 204);
        }
        let nowhere = test_app.put("/internal/retention/holds/nowhere", "p1", json!({})).await;
        assert_eq!(nowhere.failure(), (404, "conversation_not_found".to_owned()));
    }
}
