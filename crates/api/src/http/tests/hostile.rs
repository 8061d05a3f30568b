use actix_web::http::Method;
use serde_json::json;

use super::Fixture;
use crate::testing::{CONVERSATIONS, request};

const BODIES: &[(&[u8], u16, &str)] = &[
    (b"{", 400, "malformed_body"),
    (b"[]", 400, "malformed_body"),
    (b"null", 400, "malformed_body"),
    (b"\"x\"", 400, "malformed_body"),
    (b"{\"content\":1e999}", 400, "malformed_body"),
    (b"{\"content\":\"\xff\"}", 400, "malformed_body"),
    (b"{\"content\":\"\\ud800\"}", 400, "validation_failed"),
    (b"{\"content\":\"x\",\"more\":[\"\\udc00\"]}", 400, "validation_failed"),
    (b"{\"content\":\"\\ud800\",\"content\":\"x\"}", 400, "validation_failed"),
    (b"{\"content\":\"x\"} trailing", 400, "malformed_body"),
    (b"{\"content\":\"\\u0000\"}", 400, "validation_failed"),
    (b"{\"content\":{\"$ne\":null}}", 400, "validation_failed"),
    (b"{\"content\":[\"x\"]}", 400, "validation_failed"),
    (b"{\"content\":123456789012345678901234567890}", 400, "validation_failed"),
    (b"{\"content\":\"x\",\"attachments\":{\"length\":1}}", 400, "validation_failed"),
    (b"{\"content\":\"x\",\"clientMessageId\":\"a'; --\"}", 400, "validation_failed"),
    (b"", 400, "validation_failed"),
];

#[actix_web::test]
async fn hostile_bodies_are_refused_and_nothing_is_stored() {
    let fixture = Fixture::new().await;
    let path = format!("{}/messages", fixture.conversation);
    let deep = format!("{{\"content\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let bodies = BODIES.iter().copied().chain([(deep.as_bytes(), 400, "malformed_body")]);
    for (body, status, code) in bodies {
        let asked = request(Method::POST, &path, "c1")
            .insert_header(("Content-Type", "application/json"))
            .set_payload(body.to_vec());
        let answer = fixture.test_app.ask(asked).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
        assert_eq!(answer.failure(), (status, code.to_owned()), "{shown}");
    }
    assert_eq!(fixture.test_app.messages(&fixture.conversation).await, 1);
}

#[actix_web::test]
async fn only_json_is_read() {
    let fixture = Fixture::new().await;
    let path = format!("{}/messages", fixture.conversation);
    let ask = |content_type: &str| {
        request(Method::POST, &path, "c1")
            .insert_header(("Content-Type", content_type))
            .set_payload("{\"content\":\"x\"}")
    };
    for content_type in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/vnd.api+json",
        "application/json; charset=latin1",
        "application/json; charset=utf-16",
        "application/json, application/json",
        "x",
    ] {
        let answer = fixture.test_app.ask(ask(content_type)).await;
        assert_eq!(answer.failure(), (415, "unsupported_media_type".to_owned()), "{content_type}");
    }
    for coding in ["br", "zstd", "compress", "gzip, gzip", "gzip;q=1", "x"] {
        let packed = ask("application/json").insert_header(("Content-Encoding", coding));
        assert_eq!(fixture.test_app.ask(packed).await.status, 415, "{coding}");
    }
    let twice = ask("application/json")
        .append_header(("Content-Encoding", "gzip"))
        .append_header(("Content-Encoding", "gzip"));
    assert_eq!(fixture.test_app.ask(twice).await.status, 415);
    for content_type in [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "application/json; odata=verbose",
    ] {
        assert_eq!(fixture.test_app.ask(ask(content_type)).await.status, 201, "{content_type}");
    }
}

#[actix_web::test]
async fn hostile_paths_and_queries_find_nothing_and_break_nothing() {
    let fixture = Fixture::new().await;
    for path in [
        format!("{CONVERSATIONS}/%00"),
        format!("{CONVERSATIONS}/..%2F..%2Fetc"),
        format!("{CONVERSATIONS}/' OR 1=1").replace(' ', "%20"),
        format!("{CONVERSATIONS}/{}", "x".repeat(5_000)),
        format!("{}/messages?cursor=c-1-x", fixture.conversation),
        format!("{}/messages?cursor=m99999999999999999999", fixture.conversation),
        format!("{CONVERSATIONS}?status[]=ACTIVE&status=%00"),
        format!("{CONVERSATIONS}?limit=1&limit=2"),
    ] {
        let answer = fixture.test_app.get(&path, "s1").await;
        assert!(answer.status.is_client_error(), "{path}");
        answer.failure();
    }
}

#[actix_web::test]
async fn a_field_with_a_magic_name_is_only_a_field() {
    let fixture = Fixture::new().await;
    let path = format!("{}/messages", fixture.conversation);
    let body =
        json!({"content": "x", "__proto__": {"a": 1}, "constructor": 1, "sender": {"id": "s1"}});
    let sent = fixture.test_app.post(&path, "c1", body).await;
    assert_eq!((sent.status.as_u16(), &sent.json()["sender"]["id"]), (201, &json!("c1")));
}
