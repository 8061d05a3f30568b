//! A client leaves a conversation, and loses its connection before it receives anything else.

use serde_json::json;

use super::{
    Client, Node,
    client::Memory,
    recovery::{joined, words},
};

/// A client that has left the conversation, and what it remembered before.
async fn left(node: &Node, id: &str) -> (Client, Memory) {
    let mut client = joined(node, "c1", id).await;
    let before = client.memory();
    let answer = client.ask("leave-conversation", json!({ "conversationId": id })).await;
    assert_eq!(answer["ok"], true);
    (client, before)
}

/// Nothing that is said in the conversation reaches the client.
async fn assert_outside(node: &Node, path: &str, client: &mut Client) {
    assert_eq!(words(client), [""; 0]);
    let said = node.test_app.send_message(path, "s1", "after the return").await;
    assert_eq!(said["isRead"], false);
    assert!(!client.unasked().await.contains(&"new-message".to_owned()));
}

#[actix_web::test]
async fn an_older_offset_does_not_lead_back_into_the_room() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let (client, before) = left(&node, &id).await;
    let sid = client.cut().await.sid;
    node.test_app.send_message(&path, "s1", "meanwhile").await;
    let mut back = before.come_back(&node, "c1").await;
    assert_eq!(back.sid, sid, "recovered");
    assert_outside(&node, &path, &mut back).await;
}

#[actix_web::test]
async fn nor_does_it_when_the_connection_still_counts_as_open() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let (client, before) = left(&node, &id).await;
    node.let_pass(2_000);
    let mut back = before.come_back(&node, "c1").await;
    assert_eq!(back.sid, client.sid, "recovered");
    assert_outside(&node, &path, &mut back).await;
}

#[actix_web::test]
async fn what_comes_with_the_answer_leads_past_the_room_on_every_node() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let (client, _) = left(&node, &id).await;
    let elsewhere = node.another("a secret");
    let mut back = client.memory().come_back(&elsewhere, "c1").await;
    assert_eq!(back.sid, client.sid, "recovered");
    assert_outside(&elsewhere, &path, &mut back).await;
}

#[actix_web::test]
async fn who_joined_again_is_in_the_room_again() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let (mut client, _) = left(&node, &id).await;
    client.ask("join-conversation", json!({ "conversationId": id })).await;
    client.named("user-joined").await;
    let memory = client.cut().await;
    node.test_app.send_message(&path, "s1", "meanwhile").await;
    let back = memory.come_back(&node, "c1").await;
    assert_eq!(words(&back), ["meanwhile"]);
}

#[actix_web::test]
async fn a_command_that_was_sent_is_completed_although_the_connection_is_lost() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let mut salon = joined(&node, "s1", &id).await;
    let mut client = joined(&node, "c1", &id).await;
    let before = node.test_app.messages(&path).await;
    let held = node.test_app.store.hold_reads();
    let message = json!({ "conversationId": id, "content": "Un dernier mot" });
    client.tell_raw("send-message", &message.to_string()).await;
    // What the server has not read when the connection breaks may be lost.
    held.until_one_waits().await;
    client.cut().await;
    drop(held);
    salon.named("user-left").await;
    assert_eq!(node.test_app.messages(&path).await, before + 1, "before its session ended");
}
