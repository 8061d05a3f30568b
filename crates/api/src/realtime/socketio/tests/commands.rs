//! What a client may ask for when it goes on where it was.

use serde_json::{Value, json};

use super::{Client, Node, realtime, recovery::joined, settings};
use crate::{
    limits::{self, Rate},
    realtime::commands::EventName,
    testing::{TestApp, let_seconds_pass},
};

fn entries(page: &Value) -> Vec<(i64, &str)> {
    let events = page["events"].as_array().expect("a list");
    let seq = |event: &Value| event["seq"].as_i64().expect("a position");
    events.iter().map(|event| (seq(event), event["event"].as_str().expect("a name"))).collect()
}

#[actix_web::test]
async fn who_knows_a_position_joins_from_there() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    for words in ["2", "3", "4"] {
        node.test_app.send_message(&path, "s1", words).await;
    }
    let mut client = Client::connect(&node, "c1").await;
    let payload = json!({ "conversationId": id, "afterSeq": 2 });
    let answer = client.ask("join-conversation", payload).await;
    assert_eq!(answer["data"], json!({ "conversationId": id, "lastSeq": 4 }));
    for words in ["3", "4"] {
        assert_eq!(client.named("new-message").await["content"], words);
    }
    client.named("user-joined").await;
    node.test_app.send_message(&path, "s1", "5").await;
    assert_eq!(client.named("new-message").await["seq"], 5);
}

#[actix_web::test]
async fn a_position_that_is_too_far_away_or_never_was_gets_the_history() {
    let settings = realtime::Settings { resume_events_max: 2, ..realtime::Settings::default() };
    let node = Node::with(settings).await;
    let (path, id) = node.talk().await;
    for words in ["2", "3", "4"] {
        node.test_app.send_message(&path, "s1", words).await;
    }
    for after in [1, 99] {
        let mut client = Client::connect(&node, "c1").await;
        let payload = json!({ "conversationId": id, "afterSeq": after });
        let answer = client.ask("join-conversation", payload).await;
        assert_eq!(
            answer["data"],
            json!({ "conversationId": id, "lastSeq": 4, "resync": true }),
            "after {after}"
        );
        assert_eq!(client.named("resync").await, json!({ "conversationId": id }));
        let history = client.named("conversation-history").await;
        assert_eq!(history["messages"].as_array().expect("a list").len(), 3);
    }
}

#[actix_web::test]
async fn what_was_missed_in_several_conversations_is_asked_for_at_once() {
    let node = Node::new().await;
    let ((here, here_id), (_, there_id)) = (node.talk().await, node.talk().await);
    node.test_app.send_message(&here, "s1", "missed").await;
    let mut client = Client::connect(&node, "c1").await;
    let from = |id: &str, after: i64| json!({ "conversationId": id, "afterSeq": after });
    let conversations = [from(&here_id, 1), from(&there_id, 1), from("nowhere", 0)];
    let answer = client.ask("sync", json!({ "conversations": conversations })).await;
    let pages = &answer["data"]["conversations"];
    assert_eq!(entries(&pages[0]), [(2, "new-message")]);
    assert_eq!(pages[0]["events"][0]["data"]["content"], "missed");
    assert_eq!((entries(&pages[1]), &pages[1]["hasMore"]), (vec![], &json!(false)));
    assert_eq!(pages[2], json!({ "conversationId": "nowhere", "code": "conversation_not_found" }));
}

#[actix_web::test]
async fn a_sync_tells_no_more_than_is_told_at_once() {
    let settings = realtime::Settings { resume_events_max: 2, ..realtime::Settings::default() };
    let node = Node::with(settings).await;
    let ((here, here_id), (_, there_id)) = (node.talk().await, node.talk().await);
    for words in ["2", "3"] {
        node.test_app.send_message(&here, "s1", words).await;
    }
    let mut client = Client::connect(&node, "c1").await;
    let from = |id: &str| json!({ "conversationId": id });
    let conversations = [from(&here_id), from(&there_id)];
    let answer = client.ask("sync", json!({ "conversations": conversations })).await;
    let pages = &answer["data"]["conversations"];
    assert_eq!(entries(&pages[0]), [(1, "conversation-created"), (2, "new-message")]);
    assert_eq!((&pages[0]["hasMore"], &pages[0]["lastSeq"]), (&json!(true), &json!(2)));
    assert_eq!((entries(&pages[1]), &pages[1]["hasMore"]), (vec![], &json!(true)));
}

#[actix_web::test]
async fn strangers_learn_nothing_by_asking_what_they_missed() {
    let node = Node::new().await;
    let (_, id) = node.talk().await;
    let mut stranger = Client::connect(&node, "c2").await;
    let payload = json!({ "conversationId": id, "afterSeq": 0 });
    let answer = stranger.ask("join-conversation", payload.clone()).await;
    assert_eq!(answer["error"]["code"], "conversation_not_found");
    let answer = stranger.ask("sync", json!({ "conversations": [payload] })).await;
    let page = json!({ "conversationId": id, "code": "conversation_not_found" });
    assert_eq!(answer["data"]["conversations"], json!([page]));
}

#[actix_web::test]
async fn another_token_is_taken_from_the_same_person_only() {
    let node = Node::new().await;
    let mut client = Client::connect(&node, "c1").await;
    let good = client.ask("auth-refresh", json!({ "token": "c1+Nora" })).await;
    assert_eq!(good, json!({ "ok": true, "data": {} }));
    for (token, code) in [
        ("c2", "unauthorized"),
        ("c1@s", "unauthorized"),
        ("nonsense", "unauthorized"),
        ("expired", "token_expired"),
    ] {
        let answer = client.ask("auth-refresh", json!({ "token": token })).await;
        assert_eq!(answer["error"]["code"], code, "{token}");
    }
    let none = client.ask("auth-refresh", json!({})).await;
    assert_eq!(none["error"]["code"], "validation_failed");
}

/// On the node that was asked at once, on another one as soon as it has read of it.
#[actix_web::test]
async fn sessions_end_with_their_tokens_on_every_node_and_later_tokens_open_others() {
    let (node, nothing) = (Node::new().await, json!({}));
    let other = node.another("a secret");
    let clients =
        [Client::connect(&node, "c1!1000").await, Client::connect(&other, "c1!1000").await];
    let mut newer = Client::connect(&node, "c1!5000").await;
    let mut stranger = Client::connect(&other, "c2!1000").await;
    let body = json!({ "issuedBefore": "1970-01-01T00:00:05Z" });
    let path = "/internal/participants/c1/revoke";
    assert_eq!(node.test_app.post(path, "p1", body).await.status, 204);
    other.test_app.api.read_session_ends().await.expect("the store works");
    for client in clients {
        assert_eq!(client.disconnected().await, "41/messaging,");
    }
    for node in [&node, &other] {
        let refused = Client::refused(node, "c1!4999").await;
        assert_eq!(refused["data"]["code"], "token_expired");
    }
    let answer = stranger.ask("leave-conversation", json!({ "conversationId": "nowhere" })).await;
    assert_eq!(answer["ok"], true, "somebody else's session goes on");
    // An older token does not take the place of one that counts.
    let refused = newer.ask("auth-refresh", json!({ "token": "c1!4999" })).await;
    assert_eq!(refused["error"]["code"], "token_expired");
    let kept = newer.ask("auth-refresh", json!({ "token": "c1!5000" })).await;
    assert_eq!(kept, json!({ "ok": true, "data": nothing }));

    assert_eq!(node.test_app.delete("/internal/participants/c1", "p1").await.status, 202);
    assert_eq!(newer.disconnected().await, "41/messaging,");
    let refused = Client::refused(&node, "c1!9000").await;
    assert_eq!(refused["data"]["code"], "unauthorized");
}

#[actix_web::test]
async fn sockets_of_one_address_are_bounded() {
    let settings =
        realtime::Settings { sessions_per_address_max: 1, ..realtime::Settings::default() };
    let node = Node::with(settings).await;
    let first = Client::connect(&node, "c1").await;
    let refused = Client::refused(&node, "s1").await;
    assert_eq!(refused["data"]["code"], "too_many_sessions");
    first.come_back(&node, "c1").await;
}

#[actix_web::test]
async fn everyone_hears_that_the_server_goes_down() {
    let node = Node::new().await;
    let mut client = Client::connect(&node, "c1").await;
    let closing = node.test_app.api.close(std::time::Duration::from_secs(20));
    let (event, ()) = tokio::join!(client.named("server-draining"), closing);
    assert_eq!(event["retryAfterMs"], 1_000);
}

/// The most that one answer says, in bytes.
const ANSWER_BYTES_MAX: usize = 512 * 1024;

/// 40 messages of 16,000 bytes each, in positions 2 to 41.
async fn at_length(node: &Node, path: &str) {
    let long = "\u{1f600}".repeat(4_000);
    for _ in 0..40 {
        node.test_app.send_message(path, "s1", &long).await;
    }
}

#[actix_web::test]
async fn a_history_ends_where_an_answer_is_full_and_says_that_there_is_more() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let mut client = Client::connect(&node, "c1").await;
    node.test_app.send_message(&path, "s1", "short").await;
    // Out of sight, so that nothing but messages takes positions.
    let join = json!({ "conversationId": id, "visible": false });
    client.ask("join-conversation", join.clone()).await;
    let all = client.named("conversation-history").await;
    assert_eq!(all.get("hasMore"), None, "nothing is older");

    at_length(&node, &path).await;
    client.unasked().await;
    let answer = client.ask("join-conversation", join).await;
    assert_eq!(answer["data"], json!({ "conversationId": id, "lastSeq": 42 }));
    let history = client.named("conversation-history").await;
    assert!(history.to_string().len() <= ANSWER_BYTES_MAX);
    assert_eq!((&history["hasMore"], &history["lastSeq"]), (&json!(true), &json!(42)));
    let seqs = history["messages"].as_array().expect("a list").iter().map(|it| it["seq"].as_i64());
    let newest: Vec<_> = seqs.flatten().collect();
    let expected: Vec<_> = (11..=42).rev().collect();
    assert_eq!(newest, expected, "as many as fit, from the newest on");
}

#[actix_web::test]
async fn a_history_that_was_asked_for_in_part_says_that_there_is_more() {
    let settings = realtime::Settings { history_messages: 2, ..realtime::Settings::default() };
    let node = Node::with(settings).await;
    let (path, id) = node.talk().await;
    for words in ["2", "3", "4"] {
        node.test_app.send_message(&path, "s1", words).await;
    }
    let mut client = Client::connect(&node, "c1").await;
    client.ask("join-conversation", json!({ "conversationId": id })).await;
    let history = client.named("conversation-history").await;
    assert_eq!(
        (history["messages"].as_array().map(Vec::len), &history["hasMore"]),
        (Some(2), &json!(true))
    );
}

#[actix_web::test]
async fn what_was_missed_since_a_position_and_fills_more_than_an_answer_gets_the_history() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    at_length(&node, &path).await;
    let mut client = Client::connect(&node, "c1").await;
    let payload = json!({ "conversationId": id, "afterSeq": 1 });
    let answer = client.ask("join-conversation", payload).await;
    assert_eq!(answer["data"], json!({ "conversationId": id, "lastSeq": 41, "resync": true }));
    assert_eq!(client.named("resync").await, json!({ "conversationId": id }));
    let history = client.named("conversation-history").await;
    assert!(history.to_string().len() <= ANSWER_BYTES_MAX);

    let payload = json!({ "conversationId": id, "afterSeq": 11 });
    let answer = client.ask("join-conversation", payload).await;
    assert_eq!(answer["data"], json!({ "conversationId": id, "lastSeq": 41 }));
    for seq in 12..=41 {
        assert_eq!(client.named("new-message").await["seq"], seq);
    }
}

#[actix_web::test]
async fn what_was_missed_is_asked_for_piece_by_piece_until_there_is_no_more() {
    let node = Node::new().await;
    let ((here, here_id), (there, there_id)) = (node.talk().await, node.talk().await);
    at_length(&node, &here).await;
    at_length(&node, &there).await;
    let mut client = Client::connect(&node, "c1").await;
    let mut positions = [(here_id, 1, Vec::new()), (there_id, 1, Vec::new())];
    let mut answers = 0;
    loop {
        let from = |(id, after, _): &(String, i64, Vec<i64>)| json!({ "conversationId": id, "afterSeq": after });
        let asked: Vec<_> = positions.iter().map(from).collect();
        let answer = client.ask("sync", json!({ "conversations": asked })).await;
        assert!(answer.to_string().len() <= ANSWER_BYTES_MAX);
        answers += 1;
        let pages = answer["data"]["conversations"].as_array().expect("a list");
        for ((_, after, received), page) in positions.iter_mut().zip(pages) {
            received.extend(entries(page).into_iter().map(|(seq, _)| seq));
            *after = page["lastSeq"].as_i64().expect("a position");
        }
        if pages.iter().all(|page| page["hasMore"] == false) {
            break;
        }
    }
    let everything: Vec<_> = (2..=41).collect();
    for (_, _, received) in positions {
        assert_eq!(received, everything);
    }
    assert_eq!(answers, 3);
}

/// What waits for `who` after they have marked the conversation as read on this socket.
async fn left_after_marking(client: &mut Client, id: &str) -> Value {
    let marked = client.ask("mark-conversation-as-read", json!({ "conversationId": id })).await;
    assert_eq!(marked["ok"], true);
    marked["data"]["unreadCount"].clone()
}

#[actix_web::test]
async fn who_has_joined_marks_as_read_what_they_were_told_and_who_has_not_marks_everything() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let mut joined = joined(&node, "c1", &id).await;
    let mut elsewhere = Client::connect(&node, "c1").await;
    node.test_app.send_message(&path, "s1", "seen").await;
    // This node does not tell what happens on another one.
    node.another("a secret").test_app.send_message(&path, "s1", "not seen").await;
    assert_eq!(left_after_marking(&mut joined, &id).await, 1);
    assert_eq!(node.test_app.unread("c1").await, 1);
    assert_eq!(left_after_marking(&mut elsewhere, &id).await, 0);
    assert_eq!(node.test_app.unread("c1").await, 0);
}

#[actix_web::test]
async fn a_client_that_has_fallen_silent_looks_at_nothing() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let _silent = joined(&node, "c1", &id).await;
    assert_eq!(node.test_app.send_message(&path, "s1", "heard lately").await["isRead"], true);
    let_seconds_pass(30).await;
    assert_eq!(node.test_app.send_message(&path, "s1", "not heard").await["isRead"], false);
}

const HALF: &str = "content contient la moitié d'un caractère (demi-codet UTF-16 isolé)";

#[actix_web::test]
async fn half_a_character_is_refused_by_name_and_the_socket_goes_on() {
    let node = Node::new().await;
    let refused = Client::refused_with(&node, r#"{"token":"c1","recovery":["\ud83d"]}"#).await;
    assert_eq!(refused["data"]["code"], "validation_failed");
    assert_eq!(refused["data"]["details"].as_array().expect("reasons").len(), 1);

    let mut client = Client::connect(&node, "c1").await;
    let payload = r#"{"conversationId":"c","content":"a\ud83d","clientMessageId":"k1"}"#;
    client.tell_raw("send-message", payload).await;
    assert_eq!(
        client.named("error").await,
        json!({
            "message": "Erreur lors de l'envoi du message", "code": "validation_failed",
            "event": "send-message", "details": [HALF], "clientMessageId": "k1",
        })
    );
    for event in EventName::all() {
        let answer = client.ask_raw(event.as_str(), payload).await;
        assert_eq!(answer["error"]["code"], "validation_failed", "{event:?}");
        assert_eq!(answer["error"]["details"], json!([HALF]), "{event:?}");
    }
    client.tell_raw("send-message", r#"{"content":"x","clientMessageId":"\ud83d"}"#).await;
    assert_eq!(client.named("error").await.get("clientMessageId"), None, "it cannot be read");
    client.tell_raw("no-such\\ud83d", "{}").await;
    assert_eq!(client.unasked().await, Vec::<String>::new());
}

#[actix_web::test]
async fn a_message_that_is_refused_says_which_and_why() {
    let node = Node::new().await;
    let (_, id) = node.talk().await;
    let mut client = Client::connect(&node, "c1").await;
    let refused = [
        (
            json!({ "conversationId": id, "content": "\u{200b}" }),
            "Le contenu du message ne peut pas être vide",
        ),
        (
            json!({ "conversationId": id, "content": "é".repeat(10_001) }),
            "Le message ne doit pas dépasser 10000 caractères",
        ),
        (
            json!({ "conversationId": id, "content": "x", "attachments": [{}] }),
            "attachments.0.Le nom du fichier est obligatoire",
        ),
    ];
    for (mut payload, why) in refused {
        payload["clientMessageId"] = json!("k1");
        client.tell_raw("send-message", &payload.to_string()).await;
        let event = client.named("error").await;
        assert_eq!(event["message"], "Erreur lors de l'envoi du message");
        assert_eq!(event["clientMessageId"], "k1");
        let details = event["details"].as_array().expect("reasons");
        assert!(details.contains(&json!(why)), "{details:?}");
        let answer = client.ask("send-message", payload).await;
        assert_eq!(answer["error"]["details"], event["details"], "as the acknowledgement");
    }
    let stranger = json!({ "conversationId": "nowhere", "content": "x", "clientMessageId": "k2" });
    client.tell_raw("send-message", &stranger.to_string()).await;
    let event = client.named("error").await;
    assert_eq!((&event["clientMessageId"], event.get("details")), (&json!("k2"), None));
}

#[actix_web::test]
async fn a_text_is_stored_tidied_whichever_way_it_comes() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let mut client = Client::connect(&node, "c1").await;
    let payload = json!({
        "conversationId": id, "content": "ligne\u{b}suite\u{2} e\u{301}\u{202e}", "clientMessageId": "k1",
    });
    let stored = "ligne\nsuite é";
    let sent = client.ask("send-message", payload.clone()).await;
    assert_eq!(sent["data"]["content"], stored);
    let again = client.ask("send-message", payload.clone()).await;
    assert_eq!(again["data"], sent["data"], "a retry is the same message");
    let by_rest = node.test_app.post(&format!("{path}/messages"), "c1", payload).await;
    assert_eq!(
        (by_rest.status.as_u16(), by_rest.json()["id"].clone()),
        (201, sent["data"]["id"].clone())
    );
    let shown = node.test_app.get(&format!("{path}/messages"), "s1").await.json();
    assert_eq!(shown["data"][0]["content"], stored);
    assert_eq!(node.test_app.messages(&path).await, 1);
}

#[actix_web::test]
async fn over_both_doors_alike_a_mark_that_changes_nothing_tells_no_total() {
    let node = Node::new().await;
    let (path, id) = node.talk().await;
    let said = node.test_app.send_message(&path, "s1", "Bonjour").await;
    node.test_app.patch(&format!("{path}/mark-read"), "c1", json!({})).await;
    let mut client = Client::connect(&node, "c1").await;
    assert_eq!(client.named("unread-count-updated").await["totalUnread"], 0);

    let here = json!({ "conversationId": id });
    client.ask("mark-as-read", json!({ "messageId": said["id"] })).await;
    client.ask("mark-conversation-as-read", here.clone()).await;
    client.ask("join-conversation", here.clone()).await;
    client.ask("leave-conversation", here).await;
    let read = format!("/messaging/messages/{}/read", said["id"].as_str().expect("an id"));
    for path in [format!("{path}/mark-read"), read] {
        node.test_app.patch(&path, "c1", json!({})).await;
    }
    // The first total since then is that of the next change.
    node.test_app.send_message(&path, "s1", "encore").await;
    assert_eq!(client.named("unread-count-updated").await["totalUnread"], 1);
}

#[actix_web::test]
async fn over_both_doors_alike_the_author_hears_of_the_message_that_was_marked_by_itself() {
    let node = Node::new().await;
    let (path, _) = node.talk().await;
    let mut salon = Client::connect(&node, "s1").await;
    for over_rest in [true, false] {
        node.test_app.send_message(&path, "s1", "before it").await;
        let said = node.test_app.send_message(&path, "s1", "marked").await;
        if over_rest {
            let id = said["id"].as_str().expect("an id");
            node.test_app.patch(&format!("/messaging/messages/{id}/read"), "c1", json!({})).await;
        } else {
            let mut client = Client::connect(&node, "c1").await;
            client.ask("mark-as-read", json!({ "messageId": said["id"] })).await;
        }
        // Of this one, and not of the one before it.
        assert_eq!(salon.named("message-read").await["messageId"], said["id"]);
        assert!(!salon.unasked().await.contains(&"message-read".to_owned()));
    }
    node.test_app.send_message(&path, "s1", "not by itself").await;
    node.test_app.patch(&format!("{path}/mark-read"), "c1", json!({})).await;
    salon.named("conversation-read").await;
    assert!(!salon.unasked().await.contains(&"message-read".to_owned()));
}

#[actix_web::test]
async fn a_payload_that_is_nested_beyond_reason_is_refused_by_name_and_the_socket_goes_on() {
    let node = Node::new().await;
    let deep = format!("{}{}", "[".repeat(130), "]".repeat(130));
    let refused =
        Client::refused_with(&node, &format!(r#"{{"token":"c1","recovery":{deep}}}"#)).await;
    assert_eq!(refused["data"]["details"], json!(["recovery est illisible"]));
    let mut client = Client::connect(&node, "c1").await;
    let answer = client.ask_raw("sync", &format!(r#"{{"conversations":{deep},"x":{deep}}}"#)).await;
    assert_eq!(answer["error"]["code"], "validation_failed");
    assert_eq!(answer["error"]["details"], json!(["conversations est illisible"]), "x is skipped");
    // What is no object is an empty one.
    let answer = client.ask_raw("leave-conversation", &deep).await;
    assert_eq!(answer["error"]["code"], "validation_failed");
}

#[actix_web::test]
async fn an_event_that_is_too_large_is_refused_by_name_and_the_socket_goes_on() {
    let node = Node::new().await;
    let mut client = Client::connect(&node, "c1").await;
    let payload = json!({ "clientMessageId": "k1", "content": "x".repeat(900_000) });
    client.tell_raw("send-message", &payload.to_string()).await;
    assert_eq!(
        client.named("error").await,
        json!({
            "message": "Événement trop volumineux", "code": "payload_too_large",
            "event": "send-message", "clientMessageId": "k1",
        })
    );
    let answer = client.ask("send-message", payload).await;
    assert_eq!(answer["error"]["code"], "payload_too_large");
    client.tell_raw("unknown", &format!(r#""{}""#, "x".repeat(900_000))).await;
    assert!(!client.unasked().await.contains(&"error".to_owned()), "an unknown event is ignored");
}

#[actix_web::test]
async fn while_events_are_handled_others_have_no_room_and_are_told_when_to_come_again() {
    let settings = realtime::Settings { events_per_person_bytes_max: 1_000, ..Default::default() };
    let node = Node::with(settings).await;
    let (path, id) = node.talk().await;
    let mut client = Client::connect(&node, "c1").await;
    let held = node.test_app.store.hold_reads();
    let message = json!({ "conversationId": id, "content": "x".repeat(400) });
    client.tell_raw("send-message", &message.to_string()).await;
    held.until_one_waits().await;
    let second =
        json!({ "conversationId": id, "content": "x".repeat(400), "clientMessageId": "k2" });
    client.tell_raw("send-message", &second.to_string()).await;
    let mut other = Client::connect(&node, "s1").await;
    let answer = other.ask("leave-conversation", json!({ "conversationId": "nowhere" })).await;
    assert_eq!(answer["ok"], true, "there is room for others");
    // What is sent here has arrived on the first socket, too.
    drop(held);
    let event = client.named("error").await;
    assert_eq!((&event["code"], &event["clientMessageId"]), (&json!("busy"), &json!("k2")));
    assert_eq!(event["retryAfterMs"], 1_000);
    assert_eq!(client.ask("send-message", second).await["ok"], true, "the room is free again");
    assert_eq!(node.test_app.messages(&path).await, 2);
}

/// A node with these limits and no others.
async fn limited(change: impl FnOnce(&mut limits::Settings)) -> Node {
    let mut settings = settings(realtime::Settings::default());
    change(&mut settings.limits);
    Node::serve(TestApp::with(settings).await)
}

#[actix_web::test]
async fn malformed_unknown_and_refused_events_count_as_commands_too() {
    let refused = json!({ "conversationId": "nowhere" });
    for (event, payload) in [
        ("send-message", json!({})),
        ("unknown", json!({})),
        ("mark-conversation-as-read", json!({})),
        ("join-conversation", refused),
        ("send-message", json!({ "content": "x".repeat(200_000) })),
    ] {
        let twice = Some(Rate::new(2, 1));
        let node = limited(|limits| {
            limits.commands_per_person = twice;
            limits.reads_per_person = twice;
        })
        .await;
        let mut client = Client::connect(&node, "c1").await;
        for _ in 0..2 {
            client.tell_raw(event, &payload.to_string()).await;
        }
        let asked = if event.starts_with("mark") { event } else { "leave-conversation" };
        let answer = client.ask(asked, json!({ "conversationId": "nowhere" })).await;
        assert_eq!(answer["error"]["code"], "rate_limited", "{event} {payload}");
        assert!(answer["error"]["retryAfterMs"].as_u64() > Some(0));
    }
}

#[actix_web::test]
async fn the_bytes_of_events_are_counted_too() {
    let node = limited(|limits| limits.command_bytes_per_person = Some(Rate::new(1_000, 1))).await;
    let mut client = Client::connect(&node, "c1").await;
    client.tell_raw("unknown", &json!("x".repeat(600)).to_string()).await;
    let here = json!({ "conversationId": "nowhere", "x": "x".repeat(600) });
    let answer = client.ask("leave-conversation", here).await;
    assert_eq!(answer["error"]["code"], "rate_limited");
}

#[actix_web::test]
async fn a_sync_counts_as_one_command_for_each_eight_conversations_begun() {
    let node = limited(|limits| limits.commands_per_person = Some(Rate::new(3, 1))).await;
    let from = |count| vec![json!({ "conversationId": "nowhere" }); count];
    let mut client = Client::connect(&node, "c1").await;
    let answer = client.ask("sync", json!({ "conversations": from(9) })).await;
    assert_eq!(answer["ok"], true);
    assert_eq!(client.ask("sync", json!({ "conversations": from(8) })).await["ok"], true);
    let answer = client.ask("sync", json!({ "conversations": from(1) })).await;
    assert_eq!(answer["error"]["code"], "rate_limited");
}

#[actix_web::test]
async fn what_is_marked_as_read_has_a_limit_of_its_own() {
    let node = limited(|limits| {
        limits.commands_per_person = Some(Rate::new(1, 1));
        limits.reads_per_person = Some(Rate::new(3, 1));
    })
    .await;
    let mut client = Client::connect(&node, "c1").await;
    let message = json!({ "messageId": "nowhere" });
    for _ in 0..3 {
        let answer = client.ask("mark-as-read", message.clone()).await;
        assert_eq!(answer["error"]["code"], "message_not_found");
    }
    let answer = client.ask("mark-as-read", message).await;
    assert_eq!(answer["error"]["code"], "rate_limited");
    let here = json!({ "conversationId": "nowhere" });
    assert_eq!(client.ask("leave-conversation", here).await["ok"], true);
}

#[actix_web::test]
async fn coming_into_the_namespace_again_and_again_is_counted() {
    let node = limited(|limits| limits.connects_per_address = Some(Rate::new(3, 1))).await;
    let mut client = Client::connect(&node, "c1").await;
    for _ in 0..2 {
        assert!(client.reconnects("c1").await.starts_with("40/messaging,"));
    }
    let refused = client.reconnects("c1").await;
    assert!(refused.starts_with("44/messaging,") && refused.contains("rate_limited"), "{refused}");
    assert!(refused.contains("retryAfterMs"), "{refused}");
}
