use actix_web::{HttpResponse, web::Data};
use domain::ids::UserId;

use super::schema;
use crate::{
    error::Failure,
    http::{
        Context,
        extract::{Body, InPath, Program, run_to_completion},
    },
    input,
};

/// Revokes a person's tokens that were issued before a time, and ends the sessions opened with them. A token
/// without `iat` counts as issued in 1970. Idempotent: an earlier time changes nothing.
#[utoipa::path(
    post, path = "/internal/participants/{id}/revoke", tag = "participants",
    operation_id = "revokeTokens",
    params(("id" = String, Path, min_length = 1, max_length = 64, description = "User id of the person.")),
    request_body(content = Option<schema::Revocation>),
    responses((status = 204, description = "Done on this node; on others within seconds")),
)]
#[tracing::instrument(name = "http.participant.revoke", skip_all, fields(user.id = %id.0))]
pub(crate) async fn revoke(
    _program: Program,
    id: InPath<UserId>,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let before = input::issued_before(&body.fields().await?)?;
    let privacy = context.services.privacy.clone();
    run_to_completion(async move { Ok(privacy.revoke_sessions(&id.0, before).await?) }).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use domain::{ports::Clock as _, privacy::store::AuditStore as _};
    use serde_json::json;

    use crate::testing::{CONVERSATIONS, TestApp, request};

    const REVOKE: &str = "/internal/participants/c1/revoke";

    async fn list(test_app: &TestApp, token: &str) -> (u16, String) {
        let answer = test_app.get(CONVERSATIONS, token).await;
        if answer.status == 200 { (200, String::new()) } else { answer.failure() }
    }

    fn expired() -> (u16, String) {
        (401, "token_expired".to_owned())
    }

    #[actix_web::test]
    async fn tokens_issued_before_a_time_are_refused_and_later_ones_taken() {
        let test_app = TestApp::new().await;
        let body = json!({"issuedBefore": "2026-01-05T09:00:00+01:00"});
        for _ in 0..2 {
            let revoked = test_app.post(REVOKE, "p1", body.clone()).await;
            assert_eq!((revoked.status.as_u16(), revoked.is_empty()), (204, true));
        }
        // A token of this harness says after `!` in which millisecond since 1970 it was issued.
        assert_eq!(list(&test_app, "c1!1767599999999").await, expired());
        assert_eq!(list(&test_app, "c1!1767600000000").await, (200, String::new()));
        assert_eq!(list(&test_app, "c1").await, expired(), "a token that does not say when");
        assert_eq!(list(&test_app, "c2").await, (200, String::new()), "somebody else");
    }

    #[actix_web::test]
    async fn without_a_time_all_tokens_issued_until_now_are_refused() {
        let test_app = TestApp::new().await;
        let before = test_app.clock.now().as_millis();
        let nothing = request(Method::POST, REVOKE, "p1");
        assert_eq!(test_app.ask(nothing).await.status, 204);
        let after = test_app.clock.now().as_millis();
        assert_eq!(list(&test_app, &format!("c1!{before}")).await, expired());
        assert_eq!(list(&test_app, &format!("c1!{after}")).await, (200, String::new()));
    }

    #[actix_web::test]
    async fn a_bad_time_changes_nothing() {
        let test_app = TestApp::new().await;
        let ahead = test_app.clock.now().as_millis() + 700_000;
        let ahead = domain::time::Timestamp::from_millis(ahead).expect("in range").to_string();
        for time in [json!("yesterday"), json!(1_767_600_000), json!("2026-01-05"), json!(ahead)] {
            let refused = test_app.post(REVOKE, "p1", json!({"issuedBefore": time})).await;
            assert_eq!(refused.failure(), (400, "validation_failed".to_owned()), "{time}");
        }
        let refused = test_app.post("/internal/participants/a%20b/revoke", "p1", json!({})).await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()));
        assert_eq!(list(&test_app, "c1").await, (200, String::new()));
        assert_eq!(test_app.store.audit(10).await.expect("the store works"), []);
    }

    #[actix_web::test]
    async fn a_token_of_an_erased_person_is_refused_whenever_it_was_issued() {
        let test_app = TestApp::new().await;
        assert_eq!(test_app.delete("/internal/participants/c1", "p1").await.status, 202);
        let unauthorized = (401, "unauthorized".to_owned());
        for token in ["c1", "c1!4102444800000", "c1+Camille"] {
            assert_eq!(list(&test_app, token).await, unauthorized, "{token}");
        }
    }

    #[actix_web::test]
    async fn another_node_refuses_them_as_soon_as_it_has_read_of_them() {
        let test_app = TestApp::new().await;
        let settings =
            crate::Settings { limits: crate::testing::no_limits(), ..Default::default() };
        let other = test_app.another(settings);
        assert_eq!(list(&other, "c1").await, (200, String::new()));
        test_app.store.set_unavailable(true);
        other.api.read_session_ends().await.expect_err("the store is away");
        test_app.store.set_unavailable(false);
        test_app.post(REVOKE, "p1", json!({})).await;
        other.api.read_session_ends().await.expect("the store works");
        assert_eq!(list(&other, "c1").await, expired());
        // What is known stays in force while the store is away.
        test_app.store.set_unavailable(true);
        other.api.read_session_ends().await.expect_err("the store is away");
        assert_eq!(list(&other, "c1").await, expired());
    }

    #[actix_web::test]
    async fn a_node_that_could_not_read_them_yet_takes_no_token() {
        let test_app = TestApp::new().await;
        test_app.post(REVOKE, "p1", json!({})).await;
        test_app.store.set_unavailable(true);
        let other = test_app.another(crate::Settings::default());
        assert_eq!(list(&other, "c1").await, (503, "unavailable".to_owned()));
        test_app.store.set_unavailable(false);
        assert_eq!(list(&other, "c1").await, expired());
    }
}
