use serde_json::json;

use crate::{
    Settings, http,
    limits::{self, Rate},
    testing::{Answer, CONVERSATIONS, TestApp, no_limits},
};

async fn test_app(limits: limits::Settings) -> TestApp {
    TestApp::with(Settings { limits, ..Settings::default() }).await
}

fn assert_rate_limited(answer: &Answer) {
    assert_eq!(answer.failure(), (429, "rate_limited".to_owned()));
    let wait = answer.json()["retryAfterMs"].as_u64().expect("a time to wait");
    assert!((1..=60_000).contains(&wait), "{wait}");
    let seconds = answer.header("retry-after").expect("a time to wait").parse();
    assert_eq!(seconds, Ok(wait.div_ceil(1_000)));
}

#[actix_web::test]
async fn a_person_who_asks_too_often_waits_and_nobody_else_does() {
    let rate = Some(Rate::new(2, 1));
    let test_app = test_app(limits::Settings { requests_per_person: rate, ..no_limits() }).await;
    for _ in 0..2 {
        assert_eq!(test_app.get(CONVERSATIONS, "s1").await.status, 200);
    }
    assert_rate_limited(&test_app.get(CONVERSATIONS, "s1").await);
    assert_eq!(test_app.get(CONVERSATIONS, "s2").await.status, 200);
}

#[actix_web::test]
async fn an_address_over_the_limit_waits_and_can_still_check_health() {
    let rate = Some(Rate::new(2, 1));
    let test_app = test_app(limits::Settings { requests_per_address: rate, ..no_limits() }).await;
    for _ in 0..2 {
        assert_eq!(test_app.get(CONVERSATIONS, "").await.status, 401);
    }
    assert_rate_limited(&test_app.get(CONVERSATIONS, "s1").await);
    assert_rate_limited(&test_app.get("/nowhere", "").await);
    assert_eq!(test_app.get("/health/live", "").await.status, 200);
}

#[actix_web::test]
async fn who_sends_too_often_waits_and_may_still_read() {
    let rate = Some(Rate::new(1, 1));
    let test_app = test_app(limits::Settings { sends_per_person: rate, ..no_limits() }).await;
    let conversation = test_app.open_conversation().await;
    test_app.send_message(&conversation, "c1", "1").await;
    let path = format!("{conversation}/messages");
    assert_rate_limited(&test_app.post(&path, "c1", json!({"content": "2"})).await);
    assert_eq!(test_app.messages(&conversation).await, 1);
    test_app.send_message(&conversation, "s1", "3").await;
}

#[actix_web::test]
async fn a_body_may_be_as_large_as_promised_and_no_larger() {
    let http = http::Settings { json_body_max_bytes: 100, ..http::Settings::default() };
    let test_app =
        TestApp::with(Settings { http, limits: no_limits(), ..Settings::default() }).await;
    let conversation = test_app.open_conversation().await;
    let path = format!("{conversation}/messages");
    let body = |length| json!({"content": "x".repeat(length)});
    let around = body(0).to_string().len();
    assert_eq!(test_app.post(&path, "c1", body(100 - around)).await.status, 201);
    let refused = test_app.post(&path, "c1", body(101 - around)).await;
    assert_eq!(
        refused.json(),
        json!({
            "message": "request entity too large", "statusCode": 413, "code": "payload_too_large",
        })
    );
    assert_eq!(test_app.messages(&conversation).await, 1);
}
