//! Pictures that were uploaded, over sockets.

use serde_json::{Value, json};

use super::{Client, Node};

fn link(message: &Value) -> &str {
    message["attachments"][0]["fileUrl"].as_str().expect("a link")
}

#[actix_web::test]
async fn a_picture_goes_out_over_a_socket_and_each_side_can_fetch_it() {
    let node = Node::new().await;
    let (_, id) = node.talk().await;
    let (mut client, mut salon) =
        (Client::connect(&node, "c1").await, Client::connect(&node, "s1").await);
    for side in [&mut client, &mut salon] {
        side.ask("join-conversation", json!({ "conversationId": id })).await;
    }
    let uploaded = node.test_app.upload_picture("c1").await["id"].clone();
    let payload = json!({
        "conversationId": id,
        "attachments": [{ "attachmentId": uploaded }],
        "clientMessageId": "k1",
    });
    let sent = client.ask("send-message", payload.clone()).await;
    assert_eq!(sent["data"]["attachments"][0]["id"], uploaded);
    let received = salon.named("new-message").await;
    assert_eq!(received["attachments"][0]["width"], 640);
    assert_eq!(node.test_app.get(link(&received), "").await.bytes(), b"picture of an arm");
    // A retry is the same message, with the picture that is in it by now.
    let again = client.ask("send-message", payload).await;
    assert_eq!(again["data"]["id"], sent["data"]["id"]);
}

#[actix_web::test]
async fn history_and_what_was_missed_come_with_links_too() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let uploaded = node.test_app.upload_picture("c1").await["id"].clone();
    let body = json!({ "attachments": [{ "attachmentId": uploaded }] });
    node.test_app.post(&format!("{path}/messages"), "c1", body).await;

    let mut salon = Client::connect(&node, "s1").await;
    salon.ask("join-conversation", json!({ "conversationId": id })).await;
    let history = salon.named("conversation-history").await;
    let mut again = Client::connect(&node, "s1").await;
    let from = json!({ "conversationId": id, "afterSeq": 1 });
    again.ask("join-conversation", from).await;
    let missed = again.named("new-message").await;
    let events = node.test_app.get(&format!("{path}/events?after=1"), "s1").await.json();
    for message in [&history["messages"][0], &missed, &events["events"][0]["data"]] {
        assert_eq!(node.test_app.get(link(message), "").await.status, 200);
    }
}

#[actix_web::test]
async fn a_picture_of_somebody_else_is_not_sent() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let uploaded = node.test_app.upload_picture("c2").await["id"].clone();
    let mut client = Client::connect(&node, "c1").await;
    let payload = json!({
        "conversationId": id, "content": "x", "attachments": [{ "attachmentId": uploaded }],
    });
    let refused = client.ask("send-message", payload).await;
    assert_eq!(refused["error"]["code"], "attachment_unknown");
    assert_eq!(node.test_app.messages(&path).await, 0);
}

#[actix_web::test]
async fn a_program_is_nobody_to_talk_with() {
    let node = Node::new().await;
    let refused = Client::refused(&node, "p1").await;
    assert_eq!(refused["data"], json!({ "code": "forbidden" }));
}
