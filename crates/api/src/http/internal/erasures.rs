use actix_web::{
    HttpResponse,
    web::{Data, Json},
};
use domain::ids::UserId;

use crate::{
    dto,
    error::{Code, Failure},
    http::{
        Context,
        extract::{InPath, Program, run_to_completion},
    },
    texts,
};

/// Requests the erasure of a person. The name is hidden immediately; messages and files are erased in the
/// background. Idempotent: a repeated request returns the current status.
#[utoipa::path(
    delete, path = "/internal/participants/{id}", tag = "participants",
    operation_id = "eraseParticipant",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "User id of the person.")),
    responses((status = 202, description = "Status of the erasure", body = dto::Erasure)),
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
    (context.job_notifier)();
    Ok(HttpResponse::Accepted().json(dto::Erasure::from(&erasure)))
}

/// Returns the status of an erasure.
#[utoipa::path(
    get, path = "/internal/erasures/{id}", tag = "participants",
    operation_id = "getErasure",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "User id of the person.")),
    responses((status = 200, description = "Status of the erasure", body = dto::Erasure)),
)]
#[tracing::instrument(name = "http.erasure.show", skip_all, fields(user.id = %id.0))]
pub(crate) async fn status(
    _program: Program,
    id: InPath<UserId>,
    context: Data<Context>,
) -> Result<Json<dto::Erasure>, Failure> {
    let erasure = context.services.privacy.erasure(&id.0).await?;
    let not_found = || Failure::new(Code::ErasureNotFound, texts::ERASURE_NOT_FOUND);
    Ok(Json(dto::Erasure::from(&erasure.ok_or_else(not_found)?)))
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use serde_json::{Value, json};

    use crate::testing::{TestApp, keys, request};

    const C1: &str = "/internal/participants/c1";
    const STATUS: &str = "/internal/erasures/c1";

    #[actix_web::test]
    async fn an_erasure_is_requested_once_and_its_status_kept() {
        let test_app = TestApp::new().await;
        assert_eq!(
            test_app.get(STATUS, "p1").await.failure(),
            (404, "erasure_not_found".to_owned())
        );
        let first = test_app.delete(C1, "p1").await;
        assert_eq!(first.status, 202);
        let status = first.json();
        assert_eq!(keys(&status), ["conversations", "files", "id", "messages", "requestedAt"]);
        assert_eq!(status["id"], "c1");
        assert_eq!(test_app.delete(C1, "p1").await.json(), status);
        let shown = test_app.get(STATUS, "p1").await;
        assert_eq!((shown.status.as_u16(), shown.json()), (200, status));
        assert!(test_app.job_notifications() > 0, "the job workers were notified");
    }

    #[actix_web::test]
    async fn an_erased_name_is_hidden_at_once() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        test_app.send_message(&conversation, "c1", "Bonjour").await;
        assert_eq!(test_app.delete(C1, "p1").await.status, 202);
        let gone = json!({
            "id": "c1", "firstName": "Compte", "lastName": "supprimé", "role": "client"
        });
        for language in ["fr", "en"] {
            let seen = seen_by_the_salon(&test_app, &conversation, language).await;
            assert_eq!(seen, [gone.clone(), gone.clone()], "{language}");
        }
        let unread = test_app.get("/messaging/conversations/unread", "s1").await.json();
        let named = (&unread[0]["clientFirstName"], &unread[0]["clientLastName"]);
        assert_eq!(named, (&json!("Compte"), &json!("supprimé")));
    }

    #[actix_web::test]
    async fn a_nameless_person_is_shown_with_a_placeholder_and_their_role() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        test_app.send_message(&conversation, "c1", "Bonjour").await;
        for (id, role) in [("c1", "client"), ("s1", "user_salon")] {
            let path = format!("/internal/participants/{id}");
            let bare = json!({ "role": role, "firstName": " ", "salonName": "" });
            assert_eq!(test_app.put(&path, "p1", bare).await.status, 204);
        }
        let nobody =
            |id: &str, role: &str| json!({"id": id, "firstName": "Utilisateur", "role": role});
        for language in ["fr", "en"] {
            let seen = seen_by_the_salon(&test_app, &conversation, language).await;
            assert_eq!(seen, [nobody("c1", "client"), nobody("c1", "client")], "{language}");
        }
        assert_eq!(
            test_app.get(&conversation, "c1").await.json()["salon"],
            nobody("s1", "user_salon")
        );
        let unread = test_app.get("/messaging/conversations/unread", "s1").await.json();
        let named = (&unread[0]["clientFirstName"], &unread[0]["salonFirstName"]);
        assert_eq!(named, (&json!("Utilisateur"), &json!("Utilisateur")));
    }

    /// The client of the conversation, and the sender of its newest message.
    async fn seen_by_the_salon(
        test_app: &TestApp,
        conversation: &str,
        language: &str,
    ) -> [Value; 2] {
        let ask = |path: String| {
            test_app
                .ask(request(Method::GET, &path, "s1").insert_header(("Accept-Language", language)))
        };
        let view = ask(conversation.to_owned()).await.json();
        let messages = ask(format!("{conversation}/messages")).await.json();
        [view["client"].clone(), messages["data"][0]["sender"].clone()]
    }

    #[actix_web::test]
    async fn unknown_people_can_be_erased_too() {
        let test_app = TestApp::new().await;
        assert_eq!(test_app.delete("/internal/participants/c9", "p1").await.status, 202);
        let put = test_app.put("/internal/participants/c9", "p1", json!({"role": "client"})).await;
        assert_eq!(put.status, 410);
        let refused = (400, "validation_failed".to_owned());
        assert_eq!(test_app.delete("/internal/participants/a%20b", "p1").await.failure(), refused);
        assert_eq!(test_app.get("/internal/erasures/a%20b", "p1").await.failure(), refused);
    }
}
