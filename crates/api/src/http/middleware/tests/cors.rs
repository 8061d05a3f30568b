use actix_web::http::Method;
use serde_json::json;

use crate::{
    Settings, http,
    origins::Origins,
    testing::{Answer, CONVERSATIONS, TestApp, no_limits, request},
};

const OURS: &str = "https://salon.example";

async fn test_app() -> TestApp {
    let origins = Origins::new([OURS]).expect("an origin");
    let http = http::Settings { origins, ..http::Settings::default() };
    TestApp::with(Settings { http, limits: no_limits(), ..Settings::default() }).await
}

async fn preflight(test_app: &TestApp, origin: &str, header: &str) -> Answer {
    let asked = request(Method::OPTIONS, CONVERSATIONS, "")
        .insert_header(("Origin", origin))
        .insert_header(("Access-Control-Request-Method", "POST"))
        .insert_header(("Access-Control-Request-Headers", header));
    test_app.ask(asked).await
}

#[actix_web::test]
async fn a_page_of_ours_may_ask_with_its_token_and_a_key() {
    let test_app = test_app().await;
    for header in ["authorization", "content-type", "idempotency-key", "x-request-id"] {
        let allowed = preflight(&test_app, OURS, header).await;
        assert!(allowed.status == 204 && allowed.is_empty(), "{header}");
        assert_eq!(allowed.header("access-control-allow-origin"), Some(OURS));
        assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    }
    let asked = request(Method::GET, CONVERSATIONS, "s1").insert_header(("Origin", OURS));
    let answer = test_app.ask(asked).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(OURS));
}

#[actix_web::test]
async fn failures_can_be_read_by_a_page_of_ours() {
    let test_app = test_app().await;
    for (path, who) in [(CONVERSATIONS, ""), ("/nowhere", ""), ("/messaging/conversations/x", "s1")]
    {
        let answer =
            test_app.ask(request(Method::GET, path, who).insert_header(("Origin", OURS))).await;
        assert!(answer.status.is_client_error());
        assert_eq!(answer.header("access-control-allow-origin"), Some(OURS), "{path}");
    }
}

#[actix_web::test]
async fn a_foreign_page_is_refused_and_nothing_happens_on_its_behalf() {
    let test_app = test_app().await;
    for origin in ["https://evil.example", "null", "http://salon.example", ""] {
        let refused = preflight(&test_app, origin, "authorization").await;
        assert_eq!(refused.failure(), (403, "origin_not_allowed".to_owned()), "{origin}");
        assert_eq!(refused.header("access-control-allow-origin"), None);
        let asked = request(Method::POST, CONVERSATIONS, "s1").insert_header(("Origin", origin));
        let refused = test_app.ask(asked.set_json(json!({"clientUserId": "c1"}))).await;
        assert_eq!(refused.failure(), (403, "origin_not_allowed".to_owned()), "{origin}");
    }
    assert_eq!(test_app.get(CONVERSATIONS, "s1").await.json()["total"], 0);
}

#[actix_web::test]
async fn a_page_on_our_own_host_may_call() {
    let test_app = test_app().await;
    let asked = request(Method::POST, CONVERSATIONS, "s1")
        .insert_header(("Host", "messages.example"))
        .insert_header(("Origin", "https://messages.example"));
    let opened = test_app.ask(asked.set_json(json!({"clientUserId": "c1"}))).await;
    assert_eq!(opened.status, 201);
    let allowed = opened.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://messages.example"));
}

#[actix_web::test]
async fn a_preflight_for_what_is_not_allowed_has_our_envelope() {
    let test_app = test_app().await;
    let refused = preflight(&test_app, OURS, "x-unknown").await;
    assert_eq!(refused.failure(), (400, "malformed_request".to_owned()));
}
