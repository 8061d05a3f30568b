use actix_web::http::Method;
use serde_json::{Value, json};

use crate::testing::{TestApp, keys, request};

fn picture() -> Value {
    json!({
        "fileName": "bras.webp", "fileUrl": "https://utfs.io/f/bras.webp",
        "fileType": "image/webp", "fileSize": 1200, "uploadThingKey": "bras.webp"
    })
}

#[actix_web::test]
async fn a_message_is_answered_to_the_letter() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let body = json!({"content": "Samedi ?", "type": "IMAGE", "attachments": [picture()]});
    let sent = test_app.post(&format!("{conversation}/messages"), "c1", body).await;
    assert_eq!(sent.status, 201);
    let sent = sent.json();
    assert_eq!(
        keys(&sent),
        [
            "attachments",
            "content",
            "conversationId",
            "createdAt",
            "id",
            "isRead",
            "sender",
            "seq",
            "type",
        ]
    );
    let [file] = sent["attachments"].as_array().expect("a list").as_slice() else {
        panic!("one file was sent")
    };
    assert_eq!(keys(file), ["fileName", "fileSize", "fileType", "fileUrl", "id"]);
    assert_eq!((&sent["content"], &sent["type"]), (&json!("Samedi ?"), &json!("IMAGE")));
    assert_eq!((&sent["seq"], &sent["isRead"]), (&json!(2), &json!(false)));
    let sender = json!({
        "id": "c1", "firstName": "Camille", "lastName": "Roux c1", "role": "client"
    });
    assert_eq!(sent["sender"], sender);
    assert!(conversation.ends_with(sent["conversationId"].as_str().expect("an id")));
    let plain = test_app.send_message(&conversation, "s1", ".").await;
    assert_eq!((&plain["attachments"], &plain["type"]), (&json!([]), &json!("TEXT")));
}

#[actix_web::test]
async fn the_same_key_with_the_same_message_posts_once_over_body_and_header() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let path = format!("{conversation}/messages");
    let keyed = json!({"content": "Bonjour", "clientMessageId": "k1"});
    let first = test_app.post(&path, "c1", keyed).await;
    let by_header = request(Method::POST, &path, "c1").insert_header(("Idempotency-Key", "k1"));
    let again = test_app.ask(by_header.set_json(json!({"content": "Bonjour"}))).await;
    assert_eq!((again.status.as_u16(), again.json()), (201, first.json()));
    assert_eq!(test_app.messages(&conversation).await, 1);
    let other_side = json!({"content": "Autre", "clientMessageId": "k1"});
    assert_eq!(test_app.post(&path, "s1", other_side).await.status, 201);
}

#[actix_web::test]
async fn a_key_names_one_message_for_ever() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let path = format!("{conversation}/messages");
    let keyed = |words: &str| json!({"content": words, "clientMessageId": "k1"});
    let first = test_app.post(&path, "c1", keyed("Bonjour")).await.json();
    let other = test_app.post(&path, "c1", keyed("Bonsoir")).await;
    assert_eq!(other.failure(), (409, "idempotency_conflict".to_owned()));
    let id = first["id"].as_str().expect("an id");
    assert_eq!(test_app.delete(&format!("/messaging/messages/{id}"), "c1").await.status, 204);
    let withdrawn = test_app.post(&path, "c1", keyed("Bonjour")).await;
    assert_eq!(withdrawn.failure(), (410, "message_deleted".to_owned()));
    assert_eq!(test_app.messages(&conversation).await, 0);
}

#[actix_web::test]
async fn keys_that_differ_or_repeat_are_refused() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let path = format!("{conversation}/messages");
    let ask = || request(Method::POST, &path, "c1");
    let body = || json!({"content": "x", "clientMessageId": "k1"});
    for asked in [
        ask().insert_header(("Idempotency-Key", "k2")),
        ask().insert_header(("Idempotency-Key", "a b")),
        ask().insert_header(("Idempotency-Key", "")),
        ask().append_header(("Idempotency-Key", "k1")).append_header(("Idempotency-Key", "k1")),
    ] {
        let refused = test_app.ask(asked.set_json(body())).await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()));
    }
    assert_eq!(test_app.messages(&conversation).await, 0);
}

#[actix_web::test]
async fn a_message_brings_an_archived_conversation_back() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    test_app.patch(&format!("{conversation}/archive"), "s1", json!({})).await;
    test_app.send_message(&conversation, "c1", "Encore une question").await;
    assert_eq!(test_app.get(&conversation, "s1").await.json()["status"], "ACTIVE");
}

#[actix_web::test]
async fn the_path_says_where_and_the_body_need_not() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let body = json!({"content": "x", "conversationId": "another"});
    assert_eq!(test_app.post(&format!("{conversation}/messages"), "c1", body).await.status, 201);
    assert_eq!(test_app.messages(&conversation).await, 1);
}

#[actix_web::test]
async fn a_stranger_learns_nothing_from_a_bad_body() {
    let test_app = TestApp::new().await;
    let conversation = test_app.open_conversation().await;
    let path = format!("{conversation}/messages");
    assert_eq!(test_app.post(&path, "c1", json!({})).await.failure().0, 400);
    for body in [json!({}), json!({"content": "x"})] {
        let stranger = test_app.post(&path, "c2", body).await;
        assert_eq!(stranger.failure(), (404, "conversation_not_found".to_owned()));
    }
}
