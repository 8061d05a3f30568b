//! The public Socket.IO 5 protocol tests over WebSocket, on the echo application; `polling_checks` has
//! the others. The letters and numbers are those of the check list.

#[path = "../examples/echo/app.rs"]
mod echo;
mod support;

use std::time::Duration;

use serde_json::Value;
use support::{Client, TestServer, default_heartbeat, fast_heartbeat, frequent_pings};

const UNANSWERED_SESSION_MAX: Duration = Duration::from_millis(600);

/// For clients that have to outlive several pings on a busy machine.
fn frequent_pings_server() -> TestServer {
    TestServer::start(echo::server(frequent_pings()))
}

fn fast_heartbeat_server() -> TestServer {
    TestServer::start(echo::server(fast_heartbeat()))
}

/// For tests that do not concern the heartbeat.
fn default_server() -> TestServer {
    TestServer::start(echo::server(default_heartbeat()))
}

async fn expect_connected(client: &mut Client, prefix: &str) {
    let answer = client.receive_text().await;
    let object = answer.strip_prefix(prefix).expect("a connect answer");
    let object: Value = serde_json::from_str(object).expect("an object");
    assert_eq!(object.as_object().expect("an object").len(), 1);
    let sid = object["sid"].as_str().expect("a socket id");
    assert!(sid.len() >= 20);
    assert!(!client.opening.contains(sid), "the engine id must stay secret");
}

#[actix_web::test]
async fn s5_a_session_opens_with_exactly_the_five_keys() {
    let server = fast_heartbeat_server();
    let client = server.open().await;
    let opening = client.opening.strip_prefix('0').expect("an open packet");
    let opening: Value = serde_json::from_str(opening).expect("JSON");
    let keys: Vec<_> = opening.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
    assert!(opening["sid"].as_str().expect("an id").len() >= 20);
    assert_eq!(opening["upgrades"], serde_json::json!([]));
    assert_eq!(opening["pingInterval"], 300);
    assert_eq!(opening["pingTimeout"], 200);
    assert_eq!(opening["maxPayload"], 1_000_000);
}

#[actix_web::test]
async fn s6_s7_a_websocket_without_version_or_transport_is_refused() {
    let server = fast_heartbeat_server();
    for query in
        ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]
    {
        let refused = server.try_open(&format!("/socket.io/?{query}")).await;
        assert!(refused.is_err(), "{query}");
    }
}

#[actix_web::test]
async fn s10_a_client_that_answers_pings_is_pinged_again() {
    let server = frequent_pings_server();
    let mut client = server.open().await;
    for _ in 0..3 {
        assert_eq!(client.receive_text().await, "2");
        client.send_text("3").await;
    }
}

#[actix_web::test]
async fn s11_a_ping_left_unanswered_ends_the_session() {
    let server = fast_heartbeat_server();
    let mut client = server.connect_echo().await;
    let since = std::time::Instant::now();
    let (_, received) = client.until_closed().await;
    assert_eq!(received, ["2"]);
    assert!(since.elapsed() < UNANSWERED_SESSION_MAX);
}

#[actix_web::test]
async fn s13_a_close_packet_closes_the_connection() {
    let server = default_server();
    let mut client = server.open().await;
    client.send_text("1").await;
    assert_eq!(client.closed_with().await, Some(1000));
}

#[actix_web::test]
async fn s17_a_connect_is_answered_with_a_sid_and_nothing_else() {
    let server = default_server();
    let mut client = server.open().await;
    client.send_text("40").await;
    expect_connected(&mut client, "40").await;
    assert_eq!(client.receive_text().await, r#"42["auth",{}]"#);
}

#[actix_web::test]
async fn s18_what_comes_with_a_connect_is_its_auth() {
    let server = default_server();
    let mut client = server.open().await;
    client.send_text(r#"40{"token":"123"}"#).await;
    expect_connected(&mut client, "40").await;
    assert_eq!(client.receive_text().await, r#"42["auth",{"token":"123"}]"#);
}

#[actix_web::test]
async fn s19_s20_a_namespace_of_its_own_is_connected_the_same_way() {
    let server = default_server();
    for (auth, echoed) in [("", "{}"), (r#"{"token":"abc"}"#, r#"{"token":"abc"}"#)] {
        let mut client = server.open().await;
        client.send_text(&format!("40/custom,{auth}")).await;
        expect_connected(&mut client, "40/custom,").await;
        let event = client.receive_text().await;
        assert_eq!(event, format!(r#"42/custom,["auth",{echoed}]"#));
    }
}

#[actix_web::test]
async fn s21_an_unknown_namespace_is_refused_and_the_session_goes_on() {
    let server = default_server();
    let mut client = server.open().await;
    client.send_text("40/random").await;
    assert_eq!(client.receive_text().await, r#"44/random,{"message":"Invalid namespace"}"#);
    client.send_text("40").await;
    expect_connected(&mut client, "40").await;
}

#[actix_web::test]
async fn s22_a_first_message_that_is_no_packet_closes_the_connection() {
    let server = default_server();
    let mut client = server.open().await;
    client.send_text("4abc").await;
    assert_eq!(client.closed_with().await, Some(1002));
}

#[actix_web::test]
async fn s23_a_session_that_connects_to_nothing_closes() {
    let mut config = fast_heartbeat();
    config.ping_interval_ms = 10_000;
    config.connect_timeout_ms = 200;
    let server = TestServer::start(echo::server(config));
    let mut client = server.open().await;
    assert_eq!(client.closed_with().await, Some(1008));
}

#[actix_web::test]
async fn s24_a_disconnect_is_not_answered_and_the_heartbeat_goes_on() {
    let server = frequent_pings_server();
    let mut client = server.connect_echo().await;
    client.send_text("41").await;
    assert_eq!(client.receive_text().await, "2");
}

#[actix_web::test]
async fn s25_namespaces_of_a_session_come_and_go_by_themselves() {
    let server = frequent_pings_server();
    let mut client = server.connect_echo().await;
    assert_eq!(client.receive_text().await, "2");
    client.send_text("40/custom").await;
    expect_connected(&mut client, "40/custom,").await;
    assert_eq!(client.receive_text().await, r#"42/custom,["auth",{}]"#);
    client.send_text("41/custom").await;
    client.send_text(r#"42["message","still here"]"#).await;
    assert_eq!(client.receive_text().await, r#"42["message-back","still here"]"#);
}

#[actix_web::test]
async fn s26_arguments_come_back_as_they_went() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    for args in [
        r#"1,"2",{"3":[true]}"#,
        r#"1.0,{"z":1e2,"a":12345678901234567890123}"#,
        r#""é\u00e9\"\\""#,
    ] {
        client.send_text(&format!(r#"42["message",{args}]"#)).await;
        assert_eq!(client.receive_text().await, format!(r#"42["message-back",{args}]"#));
    }
}

const PLACEHOLDERS: &str =
    r#"{"_placeholder":true,"num":0},{"nested":[{"_placeholder":true,"num":1}]}"#;

#[actix_web::test]
async fn s27_buffers_come_back_in_order_behind_their_event() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    client.send_text(&format!(r#"452-["message",{PLACEHOLDERS}]"#)).await;
    client.send_bytes(&[1, 2, 3]).await;
    client.send_bytes(&[4, 5, 6]).await;
    let expected = format!(r#"452-["message-back",{PLACEHOLDERS}]"#);
    assert_eq!(client.receive_text().await, expected);
    assert_eq!(client.receive_bytes().await, [1, 2, 3][..]);
    assert_eq!(client.receive_bytes().await, [4, 5, 6][..]);
}

#[actix_web::test]
async fn s28_an_event_with_an_id_is_acknowledged_under_it() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    for id in ["456", "0"] {
        client.send_text(&format!(r#"42{id}["message-with-ack",1,{{"a":"2"}}]"#)).await;
        assert_eq!(client.receive_text().await, format!(r#"43{id}[1,{{"a":"2"}}]"#));
    }
}

#[actix_web::test]
async fn s29_an_acknowledgement_carries_buffers_too() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    let event = format!(r#"452-789["message-with-ack",{PLACEHOLDERS}]"#);
    client.send_text(&event).await;
    client.send_bytes(&[1, 2, 3]).await;
    client.send_bytes(&[4, 5, 6]).await;
    assert_eq!(client.receive_text().await, format!("462-789[{PLACEHOLDERS}]"));
    assert_eq!(client.receive_bytes().await, [1, 2, 3][..]);
    assert_eq!(client.receive_bytes().await, [4, 5, 6][..]);
}

#[actix_web::test]
async fn s30_s31_s32_what_is_no_packet_closes_a_connected_session() {
    let server = default_server();
    for text in ["4abc", "42{}", r#"42abc["message"]"#] {
        let mut client = server.connect_echo().await;
        client.send_text(text).await;
        assert_eq!(client.closed_with().await, Some(1002), "{text}");
    }
}

#[actix_web::test]
async fn an_event_nobody_listens_to_is_neither_answered_nor_acknowledged() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    client.send_text(r#"427["no-such-event"]"#).await;
    client.send_text(r#"42["message",1]"#).await;
    assert_eq!(client.receive_text().await, r#"42["message-back",1]"#);
}

#[actix_web::test]
async fn acknowledgements_nobody_asked_for_are_ignored() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    client.send_text("437[]").await;
    client.send_text(r#"42["message",1]"#).await;
    assert_eq!(client.receive_text().await, r#"42["message-back",1]"#);
}

#[actix_web::test]
async fn a_packet_for_a_namespace_that_is_not_connected_closes_the_session() {
    let server = default_server();
    for text in [r#"42["message",1]"#, "41", "431[]", r#"42/custom,["message",1]"#] {
        let mut client = server.open().await;
        client.send_text(text).await;
        assert_eq!(client.closed_with().await, Some(1002), "{text}");
    }
}

#[actix_web::test]
async fn connecting_twice_to_a_namespace_closes_the_session() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    client.send_text("40").await;
    assert_eq!(client.closed_with().await, Some(1002));
}

#[actix_web::test]
async fn a_namespace_may_be_entered_again_after_leaving_it() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    client.send_text("41").await;
    client.send_text("40").await;
    expect_connected(&mut client, "40").await;
    assert_eq!(client.receive_text().await, r#"42["auth",{}]"#);
}

#[actix_web::test]
async fn engine_packets_that_mean_nothing_do_no_harm() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    for text in ["0", "3", "5", "6"] {
        client.send_text(text).await;
    }
    client.send_text(r#"42["message",1]"#).await;
    assert_eq!(client.receive_text().await, r#"42["message-back",1]"#);
}

#[actix_web::test]
async fn a_ping_from_the_client_closes_the_session() {
    let server = default_server();
    let mut client = server.connect_echo().await;
    client.send_text("2").await;
    assert_eq!(client.closed_with().await, Some(1002));
}
