//! Cut off and back again.

use serde_json::json;

use super::{
    Client, Node,
    realtime::{self, recovery_token::Offered},
};

/// A client who has joined the conversation and was sent everything so far.
pub(super) async fn joined(node: &Node, who: &str, id: &str) -> Client {
    let mut client = Client::connect(node, who).await;
    let answer = client.ask("join-conversation", json!({ "conversationId": id })).await;
    assert_eq!(answer["ok"], true, "{answer}");
    client.named("user-joined").await;
    client
}

/// The names of the replayed events.
fn replayed(client: &Client) -> Vec<&str> {
    client.replayed.iter().map(|(name, _)| name.as_str()).collect()
}

/// The texts of the replayed messages.
pub(super) fn words(client: &Client) -> Vec<&str> {
    client.replayed.iter().filter_map(|(_, payload)| payload["content"].as_str()).collect()
}

#[actix_web::test]
async fn who_was_cut_off_hears_what_was_missed_in_order_and_goes_on() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let memory = joined(&node, "c1", &id).await.cut().await;
    let (sid, pid) = (memory.sid.clone(), memory.pid.clone());
    for words in ["1", "2", "3"] {
        node.test_app.send_message(&path, "s1", words).await;
    }
    let mut back = memory.come_back(&node, "c1").await;
    assert_eq!((&back.sid, &back.pid), (&sid, &pid));
    assert_eq!(words(&back), ["1", "2", "3"]);
    assert_eq!(back.named("unread-count-updated").await["totalUnread"], 3);

    node.test_app.send_message(&path, "s1", "4").await;
    assert_eq!(back.named("new-message").await["content"], "4");
    let again = back.come_back(&node, "c1").await;
    assert_eq!((&again.sid, words(&again)), (&sid, vec![]));
}

#[actix_web::test]
async fn what_was_sent_and_never_received_is_told_again() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let mut client = joined(&node, "c1", &id).await;
    node.test_app.send_message(&path, "s1", "received").await;
    client.named("new-message").await;
    node.test_app.send_message(&path, "s1", "lost on the way").await;
    let back = client.come_back(&node, "c1").await;
    assert_eq!(words(&back), ["lost on the way"]);
}

#[actix_web::test]
async fn what_is_sent_while_a_session_is_restored_does_not_lead_back_behind_the_replay() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let memory = joined(&node, "c1", &id).await.cut().await;
    for words in ["1", "2"] {
        node.test_app.send_message(&path, "s1", words).await;
    }
    let held = node.test_app.store.hold_reads();
    let meanwhile = async {
        held.until_one_waits().await;
        // They hear of each new conversation.
        node.talk().await;
        drop(held);
    };
    let (mut back, ()) = tokio::join!(memory.come_back(&node, "c1"), meanwhile);
    assert_eq!(words(&back), ["1", "2"]);
    // It is cut off again right behind the first of what was sent meanwhile.
    back.next().await;
    let mut again = back.come_back(&node, "c1").await;
    assert_eq!(words(&again), Vec::<&str>::new());
    node.test_app.send_message(&path, "s1", "3").await;
    assert_eq!(again.named("new-message").await["content"], "3");
}

#[actix_web::test]
async fn whose_restoring_session_is_sent_too_much_is_cut_off_and_comes_again() {
    let socket = socketio::Config { mailbox_messages: 4, ..socketio::Config::default() };
    let node = Node::with(realtime::Settings { socket, ..Default::default() }).await;
    let (path, id) = node.talk().await;
    let memory = joined(&node, "c1", &id).await.cut().await;
    node.test_app.send_message(&path, "s1", "missed").await;
    let held = node.test_app.store.hold_reads();
    let meanwhile = async {
        held.until_one_waits().await;
        for _ in 0..5 {
            node.talk().await;
        }
        drop(held);
    };
    tokio::join!(Client::put_off(&node, &memory, "c1"), meanwhile);
    let back = memory.come_back(&node, "c1").await;
    assert_eq!(words(&back), ["missed"]);
}

#[actix_web::test]
async fn another_node_takes_the_client_up_as_well() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let sid = client.sid.clone();
    node.test_app.send_message(&path, "s1", "missed").await;
    let back = client.come_back(&node.another("a secret"), "c1").await;
    assert_eq!((words(&back), &back.sid), (vec!["missed"], &sid));
}

#[actix_web::test]
async fn what_was_signed_with_another_key_begins_anew() {
    let node = Node::new().await;
    let (_, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let (sid, pid) = (client.sid.clone(), client.pid.clone());
    let mut back = client.come_back(&node.another("another secret"), "c1").await;
    assert!(back.sid != sid && back.pid != pid && back.replayed.is_empty());
    assert_eq!(back.named("resync").await, json!({}));
}

#[actix_web::test]
async fn somebody_else_does_not_go_on_where_one_was() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let sid = client.sid.clone();
    node.test_app.send_message(&path, "s1", "for c1").await;
    for thief in ["c2", "s1"] {
        let auth = json!({ "token": thief, "pid": client.pid, "offset": client.offset });
        let back = Client::connect_with(&node, auth).await;
        assert!(back.sid != sid && back.replayed.is_empty(), "{thief}");
    }
}

#[actix_web::test]
async fn a_session_that_is_there_is_not_taken_up_a_second_time() {
    let node = Node::new().await;
    let (_, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let auth = json!({ "token": "c1", "pid": client.pid, "offset": client.offset });
    let mut second = Client::connect_with(&node, auth).await;
    assert!(second.sid != client.sid && second.pid != client.pid);
    assert_eq!(second.named("resync").await, json!({}));
}

#[actix_web::test]
async fn who_missed_too_much_begins_anew() {
    let settings = realtime::Settings { resume_events_max: 2, ..realtime::Settings::default() };
    let node = Node::with(settings).await;
    let (path, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let sid = client.sid.clone();
    for words in ["1", "2", "3"] {
        node.test_app.send_message(&path, "s1", words).await;
    }
    let mut back = client.come_back(&node, "c1").await;
    assert!(back.sid != sid && back.replayed.is_empty());
    assert_eq!(back.named("resync").await, json!({}));
    node.test_app.send_message(&path, "s1", "4").await;
    let answer = back.ask("leave-conversation", json!({ "conversationId": id })).await;
    assert_eq!(answer["ok"], true);
}

#[actix_web::test]
async fn a_conversation_deleted_meanwhile_is_told_and_not_joined() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let sid = client.sid.clone();
    assert_eq!(node.test_app.delete(&path, "s1").await.status, 204);
    let back = client.come_back(&node, "c1").await;
    assert_eq!(back.sid, sid);
    assert!(replayed(&back).contains(&"conversation-deleted"), "{:?}", back.replayed);
}

#[actix_web::test]
async fn what_became_of_other_conversations_is_told_too() {
    let node = Node::new().await;
    let (_, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let (other, other_id) = node.talk().await;
    node.test_app.patch(&other, "s1", json!({ "subject": "Bras gauche" })).await;
    let back = client.come_back(&node, "c1").await;
    let elsewhere: Vec<_> =
        back.replayed.iter().filter(|(_, payload)| payload["conversationId"] == other_id).collect();
    assert_eq!(elsewhere[0].0, "conversation-created");
    assert_eq!(
        elsewhere[1],
        &(
            "conversation-updated".to_owned(),
            json!({
                "conversationId": other_id, "subject": "Bras gauche", "status": "ACTIVE",
            })
        )
    );
}

#[actix_web::test]
async fn events_have_one_argument_for_those_who_do_not_go_on_where_they_were() {
    let (yes, no) = (json!(true), json!(false));
    for (offered, wish, goes_on) in [
        (Offered::UnlessDeclined, None, true),
        (Offered::UnlessDeclined, Some(&yes), true),
        (Offered::UnlessDeclined, Some(&no), false),
        (Offered::UnlessDeclined, Some(&json!("false")), false),
        (Offered::UnlessDeclined, Some(&json!("what")), true),
        (Offered::WhenAsked, None, false),
        (Offered::WhenAsked, Some(&yes), true),
        (Offered::Never, Some(&yes), false),
    ] {
        let settings = realtime::Settings { recovery_offered: offered, ..Default::default() };
        let node = Node::with(settings).await;
        let (path, id) = node.talk().await;
        let mut auth = json!({ "token": "c1" });
        if let Some(wish) = wish {
            auth["recovery"] = wish.clone();
        }
        let mut client = Client::connect_with(&node, auth).await;
        client.ask("join-conversation", json!({ "conversationId": id })).await;
        node.test_app.send_message(&path, "s1", "Bonjour").await;
        assert_eq!(client.named("new-message").await["content"], "Bonjour");
        let said = (client.pid.is_empty(), client.offset.is_empty());
        assert_eq!(said, (!goes_on, !goes_on), "{offered:?} {wish:?}");
    }
}

#[actix_web::test]
async fn who_missed_too_many_bytes_begins_anew() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let sid = client.sid.clone();
    let long = "\u{1f600}".repeat(4_000);
    for _ in 0..40 {
        node.test_app.send_message(&path, "s1", &long).await;
    }
    let mut back = client.come_back(&node, "c1").await;
    assert!(back.sid != sid && back.replayed.is_empty());
    assert_eq!(back.named("resync").await, json!({}));
}

#[actix_web::test]
async fn who_missed_almost_too_much_hears_it_and_goes_on() {
    // Room for what is replayed, and no more than the replay itself would fill.
    let socket = socketio::Config { mailbox_messages: 8, ..socketio::Config::default() };
    let node = Node::with(realtime::Settings { socket, ..Default::default() }).await;
    let (path, id) = node.talk().await;
    let client = joined(&node, "c1", &id).await;
    let sid = client.sid.clone();
    for _ in 0..60 {
        node.test_app.send_message(&path, "s1", &"x".repeat(4_000)).await;
    }
    let mut back = client.come_back(&node, "c1").await;
    assert_eq!((&back.sid, words(&back).len()), (&sid, 60));
    node.test_app.send_message(&path, "s1", "new").await;
    assert_eq!(back.named("new-message").await["content"], "new");
}

#[actix_web::test]
async fn a_join_whose_answer_was_lost_is_not_recovered_as_if_it_had_never_been() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let mut client = Client::connect(&node, "c1").await;
    client.named("unread-count-updated").await;
    let before = client.memory();
    client.ask("join-conversation", json!({ "conversationId": id })).await;
    let sid = client.cut().await.sid;
    node.test_app.send_message(&path, "s1", "missed").await;
    // It was cut off before it received the history, or anything behind it.
    let mut back = before.come_back(&node, "c1").await;
    assert!(back.sid != sid && back.replayed.is_empty());
    assert_eq!(back.named("resync").await, json!({}));
}

#[actix_web::test]
async fn nor_is_it_when_the_connection_still_counts_as_open() {
    let node = Node::new().await;
    let (_, id) = node.talk().await;
    let mut client = Client::connect(&node, "c1").await;
    client.named("unread-count-updated").await;
    let before = client.memory();
    client.ask("join-conversation", json!({ "conversationId": id })).await;
    node.let_pass(2_000);
    let mut back = before.come_back(&node, "c1").await;
    assert!(back.sid != client.sid && back.replayed.is_empty());
    assert_eq!(back.named("resync").await, json!({}));
    assert_eq!(client.closed_with().await, "41/messaging,");
}
