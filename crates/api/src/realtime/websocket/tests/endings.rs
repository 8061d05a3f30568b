//! How connections end that neither side meant to end.

use serde_json::json;
use tokio::io::AsyncReadExt as _;

use super::{Fixture, TIME_LIMIT};
use crate::realtime;

#[actix_web::test]
async fn who_does_not_answer_pings_is_closed() {
    let socket = socketio::Config {
        ping_interval_ms: 50,
        ping_timeout_ms: 50,
        ..socketio::Config::default()
    };
    let fixture = Fixture::with(realtime::Settings { socket, ..Default::default() }).await;
    // Bare bytes from here on: nothing answers a ping.
    let mut connection = fixture.enter("c1").await.0.into_inner();
    let mut received = Vec::new();
    let closed = tokio::time::timeout(TIME_LIMIT, connection.read_to_end(&mut received)).await;
    closed.expect("closed in time").expect("closed in order");
    let [.., high, low] = *received.strip_suffix(b"ping_timeout").expect("with a reason") else {
        panic!("without a code");
    };
    assert_eq!(u16::from_be_bytes([high, low]), 4410);
}

#[actix_web::test]
async fn a_client_that_stops_reading_is_closed_and_told_why() {
    let socket = socketio::Config { mailbox_bytes: 65_536, ..socketio::Config::default() };
    let fixture = Fixture::with(realtime::Settings { socket, ..Default::default() }).await;
    let talk = fixture.test_app.open_conversation().await;
    let id = talk.rsplit('/').next().expect("an id");
    let mut client = fixture.enter_narrow("c1").await;
    let joined = client.ask("join-conversation", json!({ "conversationId": id })).await;
    assert_eq!(joined["ok"], true);
    // More than the system holds for it, and nothing of it is read.
    for _ in 0..600 {
        fixture.test_app.send_message(&talk, "s1", &"é".repeat(4_000)).await;
    }
    assert_eq!(client.closed_with().await, (4413, "slow_reader".to_owned()));
}

#[actix_web::test]
async fn a_client_that_asks_on_and_reads_gets_every_answer_however_much_that_is() {
    let fixture = Fixture::new().await;
    let talk = fixture.test_app.open_conversation().await;
    for _ in 0..50 {
        fixture.test_app.send_message(&talk, "s1", &"é".repeat(4_000)).await;
    }
    let id = talk.rsplit('/').next().expect("an id");
    let mut client = fixture.enter("c1").await;
    // Each of these is answered with 400 kB, and all are asked before anything is read.
    for number in 0..40 {
        let data = json!({ "conversationId": id });
        let join = json!({ "event": "join-conversation", "data": data, "id": number });
        client.say(&join.to_string()).await;
    }
    for number in 0..40 {
        let answer = client.line(|line| line["ack"] == number).await;
        assert_eq!(answer["ok"], true, "{number}");
    }
}

#[actix_web::test]
async fn a_client_that_asks_on_and_takes_no_answer_is_closed() {
    let socket = socketio::Config {
        ping_interval_ms: 1_000,
        ping_timeout_ms: 1_000,
        mailbox_bytes: 65_536,
        ..socketio::Config::default()
    };
    let fixture = Fixture::with(realtime::Settings { socket, ..Default::default() }).await;
    let talk = fixture.test_app.open_conversation().await;
    for _ in 0..50 {
        fixture.test_app.send_message(&talk, "s1", &"é".repeat(4_000)).await;
    }
    let id = talk.rsplit('/').next().expect("an id");
    let join = json!({ "event": "join-conversation", "data": { "conversationId": id } });
    let mut other = fixture.enter("s1").await;
    other.ask("join-conversation", json!({ "conversationId": id })).await;
    let mut client = fixture.enter_narrow("c1").await;
    for _ in 0..100 {
        client.say(&join.to_string()).await;
    }
    assert_eq!(other.event("user-left").await["data"]["userId"], "c1");
    drop(client);
}

#[actix_web::test]
async fn sessions_end_with_their_tokens_and_are_told_why() {
    let fixture = Fixture::new().await;
    let (mut client, mut newer) = (fixture.enter("c1!1000").await, fixture.enter("c1!5000").await);
    let body = json!({ "issuedBefore": "1970-01-01T00:00:05Z" });
    let path = "/internal/participants/c1/revoke";
    assert_eq!(fixture.test_app.post(path, "p1", body).await.status, 204);
    assert_eq!(client.closed_with().await, (4401, "token_expired".to_owned()));
    assert_eq!(fixture.test_app.delete("/internal/participants/c1", "p1").await.status, 202);
    assert_eq!(newer.closed_with().await, (4401, "unauthorized".to_owned()));
    for (token, word) in [("c1!9000", "unauthorized"), ("c1", "unauthorized")] {
        let mut again = fixture.open().await;
        let auth = json!({ "event": "auth", "data": { "token": token } });
        again.say(&auth.to_string()).await;
        assert_eq!(again.closed_with().await, (4401, word.to_owned()));
    }
}

#[actix_web::test]
async fn at_shutdown_every_client_is_told_and_closed() {
    let fixture = Fixture::new().await;
    let mut client = fixture.enter("c1").await;
    let api = fixture.test_app.api.clone();
    let closing = actix_web::rt::spawn(async move { api.close(TIME_LIMIT).await });
    client.event("server-draining").await;
    assert_eq!(client.closed_with().await, (1001, "going_away".to_owned()));
    drop(client);
    closing.await.expect("it closed");
}

#[actix_web::test]
async fn a_command_that_panics_ends_the_session_and_closes_the_connection() {
    let fixture = Fixture::new().await;
    let talk = fixture.test_app.open_conversation().await;
    let id = talk.rsplit('/').next().expect("an id");
    let mut other = fixture.enter("s1").await;
    other.ask("join-conversation", json!({ "conversationId": id })).await;
    let mut client = fixture.enter("c1").await;
    client.ask("join-conversation", json!({ "conversationId": id })).await;
    client.say(r#"{"event":"auth-refresh","data":{"token":"panic"},"id":2}"#).await;
    assert_eq!(client.closed_with().await, (1011, "internal_error".to_owned()));
    assert_eq!(other.event("user-left").await["data"]["userId"], "c1");
    let mut again = fixture.enter("c1").await;
    let joined = again.ask("join-conversation", json!({ "conversationId": id })).await;
    assert_eq!(joined["ok"], true, "no other session is concerned");
}

#[actix_web::test]
async fn a_command_that_was_sent_is_completed_although_the_connection_is_lost() {
    let fixture = Fixture::new().await;
    let path = fixture.test_app.open_conversation().await;
    let id = path.rsplit('/').next().expect("an id");
    let here = json!({ "conversationId": id });
    let (mut salon, mut client) = (fixture.enter("s1").await, fixture.enter("c1").await);
    salon.ask("join-conversation", here.clone()).await;
    client.ask("join-conversation", here).await;
    let before = fixture.test_app.messages(&path).await;
    let held = fixture.test_app.store.hold_reads();
    let data = json!({ "conversationId": id, "content": "Un dernier mot" });
    client.say(&json!({ "event": "send-message", "data": data }).to_string()).await;
    // What the server has not read when the connection breaks may be lost.
    held.until_one_waits().await;
    drop(client);
    drop(held);
    salon.event("user-left").await;
    assert_eq!(fixture.test_app.messages(&path).await, before + 1, "before its session ended");
}
