mod events;
mod inbound;
use actix_web::{http::Method, test::TestRequest};
use domain::ports::Clock as _;
use serde_json::{Value, json};

use crate::{
    Settings, limits,
    mail::{self, WebhookKey},
    testing::{TestApp, mailgun_signature, no_limits, request},
};

const KEY: &str = "signing-key";
const EVENTS: &str = "/webhooks/mailgun/events";
const INBOUND: &str = "/webhooks/mailgun/inbound";
/// The address of `c1`.
const ADDRESS: &str = "c1@mail.test";

/// An application that accepts webhooks of Mailgun, where `c1` has an address.
async fn test_app() -> TestApp {
    limited_test_app(no_limits()).await
}

/// The same with limits.
async fn limited_test_app(limits: limits::Settings) -> TestApp {
    let mail = mail::Settings {
        webhook_key: Some(WebhookKey::of_mailgun(KEY.as_bytes())),
        ..Default::default()
    };
    let test_app = TestApp::with(Settings { limits, mail, ..Settings::default() }).await;
    let person = json!({"role": "client", "email": ADDRESS});
    assert_eq!(test_app.put("/internal/participants/c1", "p1", person).await.status, 204);
    test_app
}

/// The current time in the format of a stamp.
fn now(test_app: &TestApp) -> String {
    (test_app.clock.now().as_millis() / 1_000).to_string()
}

/// `timestamp`, `token` and `signature`, signed now.
fn stamp(test_app: &TestApp, token: &str) -> [(&'static str, String); 3] {
    let timestamp = now(test_app);
    let signature = mailgun_signature(KEY, &timestamp, token);
    [("timestamp", timestamp), ("token", token.to_owned()), ("signature", signature)]
}

fn event(test_app: &TestApp, token: &str, data: &Value) -> Value {
    let [(_, timestamp), (_, token), (_, signature)] = stamp(test_app, token);
    json!({
        "signature": {"timestamp": timestamp, "token": token, "signature": signature},
        "event-data": data,
    })
}

fn call(path: &str, body: Value) -> TestRequest {
    request(Method::POST, path, "").set_json(body)
}

#[actix_web::test]
async fn without_a_key_there_are_no_webhook_routes() {
    let test_app = TestApp::new().await;
    let event = event(&test_app, "t1", &json!({}));
    for path in [EVENTS, INBOUND] {
        let answer = test_app.ask(call(path, event.clone())).await;
        assert_eq!(answer.failure(), (404, "not_found".to_owned()), "{path}");
    }
}

#[actix_web::test]
async fn the_routes_accept_post_only() {
    let test_app = test_app().await;
    for path in [EVENTS, INBOUND, "/webhooks/mailgun", "/webhooks/mailgun/other"] {
        assert_eq!(test_app.get(path, "p1").await.status, 404, "{path}");
        let preflight = request(Method::OPTIONS, path, "")
            .insert_header(("Origin", "http://localhost:3000"))
            .insert_header(("Access-Control-Request-Method", "POST"));
        let preflight = test_app.ask(preflight).await;
        assert_eq!(preflight.header("access-control-allow-origin"), None, "{path}");
    }
}
