//! A client comes back while the connection it lost still counts as open.

use domain::conversation::live::PresencePolicy;
use serde_json::json;

use super::{
    Client, Node, realtime,
    recovery::{joined, words},
};
use crate::realtime::presence;

/// Longer than a session is left in peace.
const A_WHILE_MS: i64 = 2_000;

/// One session for each person, and no grace after a disconnect.
fn strict() -> realtime::Settings {
    let terms = PresencePolicy { grace_ms: 0, ..PresencePolicy::default() };
    let presence = presence::Settings { terms, ..presence::Settings::default() };
    realtime::Settings { sessions_per_person_max: 1, presence, ..realtime::Settings::default() }
}

#[actix_web::test]
async fn the_newcomer_goes_on_and_the_connection_it_lost_is_ended() {
    let node = Node::with(strict()).await;
    let (path, id) = node.talk().await;
    let lost = joined(&node, "c1", &id).await;
    let memory = lost.memory();
    let (sid, pid) = (memory.sid.clone(), memory.pid.clone());
    // It goes to the lost connection, where it is not read.
    node.test_app.send_message(&path, "s1", "missed").await;
    node.let_pass(A_WHILE_MS);

    let mut back = memory.come_back(&node, "c1").await;
    assert_eq!((&back.sid, &back.pid, words(&back)), (&sid, &pid, vec!["missed"]));
    assert_eq!(lost.closed_with().await, "41/messaging,");
    node.test_app.send_message(&path, "s1", "next").await;
    assert_eq!(back.named("new-message").await["content"], "next");
    assert!(!back.unasked().await.contains(&"new-message".to_owned()), "each message once");
}

#[actix_web::test]
async fn partners_do_not_hear_of_it() {
    let node = Node::with(strict()).await;
    let (_, id) = node.talk().await;
    let mut salon = joined(&node, "s1", &id).await;
    let lost = joined(&node, "c1", &id).await;
    let mut heard = vec![];
    // Presence and joining are told independently of one another.
    while ["user-online", "user-joined"].iter().any(|news| !heard.contains(&(*news).to_owned())) {
        heard.push(salon.next().await.0);
    }
    node.let_pass(A_WHILE_MS);
    let _back = lost.memory().come_back(&node, "c1").await;
    lost.closed_with().await;
    let received = salon.unasked().await;
    for news in ["user-joined", "user-left", "user-offline", "user-online"] {
        assert!(!received.contains(&news.to_owned()), "{received:?}");
    }
}

#[actix_web::test]
async fn two_pages_that_say_they_are_the_same_do_not_drive_each_other_out() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let first = joined(&node, "c1", &id).await;
    let memory = first.memory();
    node.let_pass(A_WHILE_MS);
    let mut second = first.memory().come_back(&node, "c1").await;
    assert_eq!(first.closed_with().await, "41/messaging,");

    let mut first = memory.come_back(&node, "c1").await;
    assert!(first.sid != second.sid && first.pid != second.pid);
    assert_eq!(first.named("resync").await, json!({}));
    node.test_app.send_message(&path, "s1", "to the second").await;
    assert_eq!(second.named("new-message").await["content"], "to the second");
}

#[actix_web::test]
async fn nobody_else_takes_a_session_over() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let mut client = joined(&node, "c1", &id).await;
    node.let_pass(A_WHILE_MS);
    for thief in ["c2", "s1"] {
        let auth = json!({ "token": thief, "pid": client.pid, "offset": client.offset });
        assert!(Client::connect_with(&node, auth).await.sid != client.sid, "{thief}");
    }
    node.test_app.send_message(&path, "s1", "still here").await;
    assert_eq!(client.named("new-message").await["content"], "still here");
}

#[actix_web::test]
async fn a_takeover_that_cannot_be_told_begins_anew_and_ends_the_lost_connection_too() {
    let node = Node::with(realtime::Settings { resume_events_max: 1, ..strict() }).await;
    let (path, id) = node.talk().await;
    let lost = joined(&node, "c1", &id).await;
    for words in ["1", "2"] {
        node.test_app.send_message(&path, "s1", words).await;
    }
    node.let_pass(A_WHILE_MS);
    let mut back = lost.memory().come_back(&node, "c1").await;
    assert!(back.sid != lost.sid && back.replayed.is_empty());
    assert_eq!(back.named("resync").await, json!({}));
    assert_eq!(lost.closed_with().await, "41/messaging,");
}

#[actix_web::test]
async fn who_is_put_off_on_the_way_back_leaves_nothing_behind_and_comes_again() {
    let socket = socketio::Config { connect_decision_timeout_ms: 50, ..Default::default() };
    let node = Node::with(realtime::Settings { socket, ..strict() }).await;
    let (path, id) = node.talk().await;
    let mut salon = joined(&node, "s1", &id).await;
    let client = joined(&node, "c1", &id).await;
    let (sid, memory) = (client.sid.clone(), client.cut().await);
    salon.named("user-left").await;
    node.test_app.send_message(&path, "s1", "missed").await;
    // What it missed cannot be read within the time that a connection attempt may take.
    let held = node.test_app.store.hold_reads();
    Client::put_off(&node, &memory, "c1").await;
    drop(held);
    assert!(!salon.unasked().await.contains(&"user-left".to_owned()), "it had not entered again");
    let back = memory.come_back(&node, "c1").await;
    assert_eq!((back.sid.as_str(), words(&back)), (sid.as_str(), vec!["missed"]));
    assert_eq!(salon.named("user-joined").await["userId"], "c1");
}

#[actix_web::test]
async fn an_outage_on_the_way_back_is_no_refusal() {
    let node = Node::with(strict()).await;
    let (path, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let (sid, memory) = (client.sid.clone(), client.cut().await);
    node.test_app.send_message(&path, "s1", "missed").await;
    node.test_app.store.set_unavailable(true);
    Client::put_off(&node, &memory, "c1").await;
    node.test_app.store.set_unavailable(false);
    let back = memory.come_back(&node, "c1").await;
    assert_eq!((back.sid.as_str(), words(&back)), (sid.as_str(), vec!["missed"]));
}

#[actix_web::test]
async fn after_a_command_that_panicked_the_client_comes_back_to_where_it_was() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let mut client = joined(&node, "c1", &id).await;
    let memory = client.memory();
    client.tell_raw("auth-refresh", r#"{"token":"panic"}"#).await;
    assert_eq!(client.closed_with().await, "", "no packet that would keep the client away");
    node.test_app.send_message(&path, "s1", "meanwhile").await;
    let sid = memory.sid.clone();
    let back = memory.come_back(&node, "c1").await;
    assert_eq!((back.sid.as_str(), words(&back)), (sid.as_str(), vec!["meanwhile"]));
}
