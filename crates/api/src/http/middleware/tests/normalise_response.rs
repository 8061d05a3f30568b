use actix_web::http::Method;
use serde_json::json;

use crate::testing::{CONVERSATIONS, TestApp, request};

#[actix_web::test]
async fn failures_keep_the_envelope_that_callers_know() {
    let test_app = TestApp::new().await;
    let table = [
        (
            "/nowhere",
            "s1",
            json!({
                "message": "Cannot GET /nowhere", "error": "Not Found", "statusCode": 404,
                "code": "not_found",
            }),
        ),
        (
            CONVERSATIONS,
            "",
            json!({
                "message": "Unauthorized", "statusCode": 401, "code": "unauthorized",
            }),
        ),
        (
            CONVERSATIONS,
            "expired",
            json!({
                "message": "Unauthorized", "statusCode": 401, "code": "token_expired",
            }),
        ),
    ];
    for (path, who, body) in table {
        assert_eq!(test_app.get(path, who).await.json(), body);
    }
}

#[actix_web::test]
async fn an_unsupported_method_is_not_found() {
    let test_app = TestApp::new().await;
    let answer = test_app.ask(request(Method::PUT, CONVERSATIONS, "s1")).await;
    assert_eq!(answer.failure(), (404, "not_found".to_owned()));
    assert_eq!(answer.json()["message"], format!("Cannot PUT {CONVERSATIONS}"));
}

#[actix_web::test]
async fn an_unauthenticated_response_names_the_scheme() {
    let test_app = TestApp::new().await;
    assert_eq!(test_app.get(CONVERSATIONS, "").await.header("www-authenticate"), Some("Bearer"));
}

#[actix_web::test]
async fn a_problem_comes_in_the_language_asked_for() {
    let test_app = TestApp::new().await;
    let ask = |language| {
        request(Method::POST, CONVERSATIONS, "s1")
            .insert_header(("Accept", "application/problem+json"))
            .insert_header(("Accept-Language", language))
            .set_json(json!({"clientUserId": "c1", "subject": "ab"}))
    };
    let english = test_app.ask(ask("en")).await;
    assert_eq!(english.header("content-type"), Some("application/problem+json"));
    assert_eq!(english.header("content-language"), Some("en"));
    assert_eq!(
        english.json(),
        json!({
            "type": "/docs/errors/validation_failed",
            "title": "Fields or parameters are not acceptable; every reason is given.",
            "status": 400,
            "detail": "The subject must have at least 3 characters",
            "code": "validation_failed",
            "errors": ["The subject must have at least 3 characters"],
        })
    );
    let french = test_app.ask(ask("fr, en;q=0.5")).await.json();
    assert_eq!(french["detail"], "Le sujet doit contenir au moins 3 caractères");
}

#[actix_web::test]
async fn every_response_has_a_request_id_and_is_not_cached() {
    let test_app = TestApp::new().await;
    let named = request(Method::GET, "/health/live", "").insert_header(("x-request-id", "trace-7"));
    let answer = test_app.ask(named).await;
    assert_eq!(answer.header("x-request-id"), Some("trace-7"));
    let forged = request(Method::GET, "/nowhere", "").insert_header(("x-request-id", "a b"));
    let answer = test_app.ask(forged).await;
    assert_eq!(answer.header("x-request-id").map(str::len), Some(36));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}
