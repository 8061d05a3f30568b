use domain::{mail::store::MailStore as _, testing::fixture::user};
use serde_json::{Value, json};

use super::{ADDRESS, EVENTS, call, event, now, test_app};
use crate::testing::{TestApp, mailgun_signature, request};

fn bounce() -> Value {
    json!({"event": "failed", "severity": "permanent", "reason": "bounce", "recipient": ADDRESS})
}

/// Whether `c1` gets no more mail. Sends a message first, so that there is something to mail.
async fn is_suppressed(test_app: &TestApp) -> bool {
    let conversation = test_app.open_conversation().await;
    test_app.send_message(&conversation, "s1", "Bonjour").await;
    let now = domain::ports::Clock::now(&*test_app.clock);
    let pending = test_app.store.pending_notifications(&user("c1"), now).await.expect("it works");
    pending.expect("there is one").is_suppressed
}

#[actix_web::test]
async fn an_address_that_takes_no_mail_or_complains_gets_none() {
    for data in [
        bounce(),
        json!({"event": "complained", "recipient": "C1@Mail.test"}),
        json!({"event": "failed", "severity": "permanent", "reason": "suppress-bounce", "recipient": ADDRESS}),
    ] {
        let test_app = test_app().await;
        assert!(!is_suppressed(&test_app).await);
        assert_eq!(
            test_app.ask(call(EVENTS, event(&test_app, "t1", &data))).await.status,
            200,
            "{data}"
        );
        assert!(is_suppressed(&test_app).await, "{data}");
    }
}

#[actix_web::test]
async fn an_address_is_the_same_however_its_domain_is_written() {
    for (reported, known) in
        [("Lea@xn--caf-dma.FR", "lea@CAFÉ.fr"), ("lea@café.fr", "lea@xn--caf-dma.fr")]
    {
        let test_app = test_app().await;
        let person = json!({"role": "client", "email": known});
        assert_eq!(test_app.put("/internal/participants/c1", "p1", person).await.status, 204);
        let data = json!({"event": "complained", "recipient": reported});
        assert_eq!(test_app.ask(call(EVENTS, event(&test_app, "t1", &data))).await.status, 200);
        assert!(is_suppressed(&test_app).await, "{reported} and {known}");
    }
}

#[actix_web::test]
async fn all_other_events_are_accepted_and_ignored() {
    let test_app = test_app().await;
    for (number, data) in [
        json!({"event": "delivered", "recipient": ADDRESS}),
        json!({"event": "failed", "severity": "temporary", "recipient": ADDRESS}),
        json!({"event": "failed", "severity": "permanent", "reason": "old", "recipient": ADDRESS}),
        json!({"event": "unsubscribed", "recipient": ADDRESS}),
        json!({"event": "complained", "recipient": "nobody@mail.test"}),
        json!({"event": "failed", "severity": "permanent", "recipient": "nobody@mail.test"}),
        json!({"event": "complained", "recipient": ""}),
        json!({"event": "complained", "recipient": "x".repeat(10_000)}),
        json!({"event": "complained", "recipient": [ADDRESS]}),
        json!({"event": "complained"}),
        json!("complained"),
        Value::Null,
    ]
    .iter()
    .enumerate()
    {
        let answer =
            test_app.ask(call(EVENTS, event(&test_app, &format!("t{number}"), data))).await;
        assert_eq!((answer.status.as_u16(), answer.is_empty()), (200, true), "{data}");
    }
    assert!(!is_suppressed(&test_app).await);
}

#[actix_web::test]
async fn calls_without_a_valid_signature_are_refused() {
    let test_app = test_app().await;
    let good = event(&test_app, "t1", &bounce());
    let mut without = good.clone();
    without.as_object_mut().expect("an object").remove("signature");
    let changed = |part: &str, to: Value| {
        let mut event = good.clone();
        event["signature"][part] = to;
        event
    };
    let old = "1700000000";
    let old = json!({
        "signature": {"timestamp": old, "token": "t1", "signature": mailgun_signature(super::KEY, old, "t1")},
        "event-data": bounce(),
    });
    let foreign = mailgun_signature("another-key", &now(&test_app), "t1");
    for forged in [
        without,
        changed("token", json!("t2")),
        changed("timestamp", json!("0")),
        changed("signature", json!("")),
        changed("signature", json!(foreign)),
        changed("signature", Value::Null),
        old,
    ] {
        let refused = test_app.ask(call(EVENTS, forged.clone())).await;
        assert_eq!(refused.failure(), (403, "webhook_forged".to_owned()), "{forged}");
    }
    // A person's or program's token does not replace the signature.
    for who in ["s1", "p1"] {
        let asked = request(actix_web::http::Method::POST, EVENTS, who).set_json(bounce());
        assert_eq!(test_app.ask(asked).await.status, 403, "{who}");
    }
    assert!(!is_suppressed(&test_app).await);
}

#[actix_web::test]
async fn a_processed_call_cannot_be_replayed() {
    let test_app = test_app().await;
    let event = event(&test_app, "t1", &bounce());
    assert_eq!(test_app.ask(call(EVENTS, event.clone())).await.status, 200);
    let again = test_app.ask(call(EVENTS, event)).await;
    assert_eq!(again.failure(), (406, "webhook_replayed".to_owned()));
}

#[actix_web::test]
async fn a_failed_call_may_be_retried() {
    let test_app = test_app().await;
    let event = event(&test_app, "t1", &bounce());
    test_app.store.set_unavailable(true);
    assert_eq!(
        test_app.ask(call(EVENTS, event.clone())).await.failure(),
        (503, "unavailable".to_owned())
    );
    test_app.store.set_unavailable(false);
    assert_eq!(test_app.ask(call(EVENTS, event)).await.status, 200);
    assert!(is_suppressed(&test_app).await);
}

#[actix_web::test]
async fn a_body_that_is_not_json_is_refused() {
    let test_app = test_app().await;
    for (body, content_type, status) in [
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("a=b", "application/x-www-form-urlencoded", 415),
        ("", "application/json", 403),
    ] {
        let asked = request(actix_web::http::Method::POST, EVENTS, "")
            .insert_header(("Content-Type", content_type))
            .set_payload(body);
        assert_eq!(test_app.ask(asked).await.status, status, "{body}");
    }
}
