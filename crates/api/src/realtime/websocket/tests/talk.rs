//! Commands and events over the plain WebSocket endpoint.

use serde_json::{Value, json};

use super::Fixture;
use crate::testing::let_seconds_pass;

#[actix_web::test]
async fn a_chat_over_the_plain_door_is_the_chat_of_every_other_door() {
    let fixture = Fixture::new().await;
    let id =
        fixture.test_app.open_conversation().await.rsplit('/').next().expect("an id").to_owned();
    let (mut salon, mut client) = (fixture.enter("s1").await, fixture.enter("c1").await);
    for side in [&mut salon, &mut client] {
        let joined = side.ask("join-conversation", json!({ "conversationId": id })).await;
        assert_eq!((&joined["ok"], &joined["data"]["lastSeq"]), (&true.into(), &1.into()));
    }
    let sent = client.ask("send-message", json!({ "conversationId": id, "content": "Bonjour" }));
    assert_eq!(sent.await["data"]["content"], "Bonjour");
    let received = salon.event("new-message").await;
    assert_eq!((&received["data"]["content"], &received["seq"]), (&"Bonjour".into(), &2.into()));

    client
        .say(&json!({ "event": "user-typing", "data": { "conversationId": id } }).to_string())
        .await;
    assert_eq!(salon.event("user-typing").await["data"]["userId"], "c1");
    fixture
        .test_app
        .send_message(&format!("/messaging/conversations/{id}"), "c1", "par REST")
        .await;
    assert_eq!(salon.event("new-message").await["data"]["content"], "par REST");
}

#[actix_web::test]
async fn failures_are_acknowledged_or_else_told() {
    let fixture = Fixture::new().await;
    let mut client = fixture.enter("c1").await;
    let strange = json!({ "conversationId": "nobody-s" });
    let refused = client.ask("join-conversation", strange.clone()).await;
    assert_eq!(
        (&refused["ok"], &refused["error"]["code"]),
        (&false.into(), &"conversation_not_found".into())
    );
    client.say(&json!({ "event": "join-conversation", "data": strange }).to_string()).await;
    let event = client.event("error").await;
    assert_eq!(event["data"]["event"], "join-conversation");
    // Typing where one has not joined: an acknowledgement says so, and nothing else does.
    client.say(&json!({ "event": "user-typing", "data": strange }).to_string()).await;
    let refused = client.ask("user-typing", strange).await;
    assert_eq!(refused["error"]["code"], "conversation_not_found");
}

#[actix_web::test]
async fn a_client_that_has_fallen_silent_looks_at_nothing() {
    let fixture = Fixture::new().await;
    let path = fixture.test_app.open_conversation().await;
    let id = path.rsplit('/').next().expect("an id");
    let mut silent = fixture.enter("c1").await;
    silent.ask("join-conversation", json!({ "conversationId": id })).await;
    assert_eq!(fixture.test_app.send_message(&path, "s1", "heard lately").await["isRead"], true);
    let_seconds_pass(30).await;
    assert_eq!(fixture.test_app.send_message(&path, "s1", "not heard").await["isRead"], false);
}

/// What a client does that remembers the highest position it was sent, and resumes there.
#[actix_web::test]
async fn joining_after_the_highest_position_that_was_told_loses_nothing() {
    let fixture = Fixture::new().await;
    let path = fixture.test_app.open_conversation().await;
    let id = path.rsplit('/').next().expect("an id");
    let mut reader = fixture.enter("s1").await;
    reader.ask("join-conversation", json!({ "conversationId": id })).await;
    let question = fixture.test_app.send_message(&path, "c1", "question").await;
    let mut client = fixture.enter("c1").await;
    fixture.test_app.send_message(&path, "s1", "answer").await;
    // It has not joined, and is sent nevertheless what concerns it: that its question was read, and that
    // it was deleted.
    let question = question["id"].as_str().expect("an id");
    fixture.test_app.delete(&format!("/messaging/messages/{question}"), "c1").await;
    let mut event = Vec::new();
    while event.last().is_none_or(|line: &Value| line["event"] != "message-deleted") {
        event.push(client.line(|line| line["data"]["conversationId"] == id).await);
    }
    assert!(event.iter().all(|line| line["seq"].is_null() && line["data"]["seq"].is_null()));
    let last = event.iter().filter_map(|line| line["seq"].as_i64()).max().unwrap_or(0);

    let mut back = fixture.enter("c1").await;
    let payload = json!({ "conversationId": id, "afterSeq": last });
    back.say(&json!({ "event": "join-conversation", "data": payload }).to_string()).await;
    assert_eq!(back.event("new-message").await["data"]["content"], "answer");
    // From here on it is sent positions, and can go by them.
    fixture.test_app.patch(&path, "s1", json!({ "subject": "Bras gauche" })).await;
    let changed = back.event("conversation-updated").await;
    assert!(changed["seq"].is_i64() && changed["seq"] == changed["data"]["seq"], "{changed}");
    assert!(client.event("conversation-updated").await["seq"].is_null());
}
