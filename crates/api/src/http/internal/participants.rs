use actix_web::{HttpResponse, web::Data};
use domain::{ids::UserId, participant::directory::PutParticipantsError};

use super::schema;
use crate::{
    error::Failure,
    http::{
        Context,
        extract::{Body, InPath, Program},
    },
    input, texts,
};

/// Adds a person to the directory, or replaces their whole entry: absent fields become unknown.
#[utoipa::path(
    put, path = "/internal/participants/{id}", tag = "participants",
    operation_id = "putParticipant",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "User id of the person.")),
    request_body = schema::Participant,
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.participant.put", skip_all, fields(user.id = %id.0))]
pub(crate) async fn put_one(
    _program: Program,
    id: InPath<UserId>,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let person = input::participant(id.0, &body.fields().await?)?;
    match context.services.directory.put_participants(&[person]).await {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(PutParticipantsError::Forgotten(_)) => {
            Err(Failure::erased(vec![texts::PARTICIPANT_ERASED]))
        }
        Err(error) => Err(error.into()),
    }
}

/// Adds or replaces up to 1,000 people, all of them or none.
#[utoipa::path(
    post, path = "/internal/participants:batch", tag = "participants",
    operation_id = "putParticipants",
    request_body = schema::Participants,
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.participant.put_many", skip_all)]
pub(crate) async fn put_many(
    _program: Program,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let body = body.of_at_most(context.settings.internal_body_max_bytes);
    let people = input::participants(&body.fields().await?)?;
    match context.services.directory.put_participants(&people).await {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(PutParticipantsError::Forgotten(forgotten)) => {
            let erased =
                people.iter().enumerate().filter(|(_, person)| forgotten.contains(&person.id));
            let texts = erased.map(|(index, _)| texts::ERASED_ID.of("participants", index));
            Err(Failure::erased(texts.collect()))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use serde_json::{Value, json};

    use crate::testing::{CONVERSATIONS, TestApp, request};

    const BATCH: &str = "/internal/participants:batch";

    async fn put(test_app: &TestApp, id: &str, body: Value) -> u16 {
        test_app.put(&format!("/internal/participants/{id}"), "p1", body).await.status.as_u16()
    }

    /// What `s1` sees of the client of the conversation at `conversation`.
    async fn client_at(test_app: &TestApp, conversation: &str) -> Value {
        test_app.get(conversation, "s1").await.json()["client"].clone()
    }

    #[actix_web::test]
    async fn a_person_is_replaced_wholly() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let script = "<script>alert(1)</script>";
        let body = json!({
            "role": "client", "firstName": script, "image": "https://img.example/c1.webp",
            "email": "c1@example.org", "locale": "en", "timeZone": "Europe/Paris",
        });
        assert_eq!(put(&test_app, "c1", body).await, 204);
        // Names are stored unescaped; whatever displays them escapes them.
        assert_eq!(
            client_at(&test_app, &conversation).await,
            json!({"id": "c1", "firstName": script, "image": "https://img.example/c1.webp", "role": "client"})
        );
        assert_eq!(put(&test_app, "c1", json!({"role": "client", "lastName": "Roux"})).await, 204);
        let seen = json!({"id": "c1", "lastName": "Roux", "role": "client"});
        assert_eq!(client_at(&test_app, &conversation).await, seen);
    }

    #[actix_web::test]
    async fn a_conversation_can_be_opened_with_a_person_in_the_directory() {
        let test_app = TestApp::new().await;
        let open = || test_app.post(CONVERSATIONS, "s1", json!({"clientUserId": "c9"}));
        assert_eq!(open().await.failure(), (404, "client_not_found".to_owned()));
        assert_eq!(put(&test_app, "c9", json!({"role": "client"})).await, 204);
        assert_eq!(open().await.status, 201);
    }

    #[actix_web::test]
    async fn an_invalid_entry_changes_nothing() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let before = client_at(&test_app, &conversation).await;
        for body in [
            json!({"role": "client", "firstName": "x".repeat(10_000)}),
            json!({"role": "client", "firstName": "é".repeat(201)}),
            json!({"role": "king"}),
            json!({"role": "client", "image": "http://img.example/a.webp"}),
            json!({}),
        ] {
            let refused = test_app.put("/internal/participants/c1", "p1", body).await;
            assert_eq!(refused.failure(), (400, "validation_failed".to_owned()));
        }
        let refused =
            test_app.put("/internal/participants/a%20b", "p1", json!({"role": "client"})).await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()));
        assert_eq!(client_at(&test_app, &conversation).await, before);
    }

    #[actix_web::test]
    async fn many_are_put_at_once_or_none() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let before = client_at(&test_app, &conversation).await;
        let people = json!({"participants": [
            {"id": "c1", "role": "client", "firstName": "Zoé"},
            {"id": "c9", "role": "client", "email": "nobody"},
        ]});
        let refused = test_app.post(BATCH, "p1", people).await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()));
        let reasons = json!(["participants.1.email doit être une adresse e-mail"]);
        assert_eq!(refused.json()["message"], reasons);
        assert_eq!(client_at(&test_app, &conversation).await, before);

        let people: Vec<_> = (0..1_000)
        .map(|n| json!({"id": format!("c{n}"), "role": "client", "firstName": "Zoé", "salonName": "x".repeat(200)}))
        .collect();
        let answer = test_app.post(BATCH, "p1", json!({ "participants": people })).await;
        assert_eq!((answer.status.as_u16(), answer.is_empty()), (204, true));
        assert_eq!(client_at(&test_app, &conversation).await["firstName"], "Zoé");
    }

    #[actix_web::test]
    async fn a_batch_that_is_too_large_is_refused() {
        let test_app = TestApp::new().await;
        let padding = "x".repeat(4_194_304);
        let asked = request(Method::POST, BATCH, "p1").set_json(json!({ "padding": padding }));
        assert_eq!(test_app.ask(asked).await.failure(), (413, "payload_too_large".to_owned()));
    }

    #[actix_web::test]
    async fn an_erased_person_cannot_be_added_again() {
        let test_app = TestApp::new().await;
        let erased = test_app.delete("/internal/participants/c1", "p1").await;
        assert_eq!(erased.status, 202);
        let again =
            test_app.put("/internal/participants/c1", "p1", json!({"role": "client"})).await;
        assert_eq!(again.failure(), (410, "participant_erased".to_owned()));
        let people = json!({"participants": [
            {"id": "c9", "role": "client"}, {"id": "c1", "role": "client"},
        ]});
        let again = test_app.post(BATCH, "p1", people).await;
        assert_eq!(again.failure(), (410, "participant_erased".to_owned()));
        assert_eq!(again.json()["message"], "participants.1.id désigne une personne effacée");
        let open = test_app.post(CONVERSATIONS, "s1", json!({"clientUserId": "c9"})).await;
        assert_eq!(open.failure(), (404, "client_not_found".to_owned()), "none of them was put");
    }
}
