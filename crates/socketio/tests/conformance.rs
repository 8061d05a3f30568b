//! The public Socket.IO 5 checks over WebSocket, on the echo application; `polling_checks` has the
//! others.
//! The letters and numbers are those of the check list.

#[path = "../examples/echo/app.rs"]
mod echo;
mod support;

use std::time::Duration;

use serde_json::Value;
use support::{Client, Running, calm, quick};

const LONGEST_SESSION_UNANSWERED: Duration = Duration::from_millis(600);

fn checks() -> Running {
    Running::start(echo::server(quick()))
}

/// For what has nothing to do with the heartbeat.
fn unhurried() -> Running {
    Running::start(echo::server(calm()))
}

async fn connected(client: &mut Client, prefix: &str) {
    let answer = client.hear().await;
    let object = answer.strip_prefix(prefix).expect("a connect answer");
    let object: Value = serde_json::from_str(object).expect("an object");
    assert_eq!(object.as_object().expect("an object").len(), 1);
    let sid = object["sid"].as_str().expect("a socket id");
    assert!(sid.len() >= 20);
    assert!(!client.opening.contains(sid), "the engine id must stay secret");
}

#[actix_web::test]
async fn s5_a_session_opens_with_exactly_the_five_keys() {
    let server = checks();
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
    let server = checks();
    for query in
        ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]
    {
        let refused = server.try_open(&format!("/socket.io/?{query}")).await;
        assert!(refused.is_err(), "{query}");
    }
}

#[actix_web::test]
async fn s10_a_client_that_answers_pings_is_pinged_again() {
    let server = checks();
    let mut client = server.open().await;
    for _ in 0..3 {
        assert_eq!(client.hear().await, "2");
        client.say("3").await;
    }
}

#[actix_web::test]
async fn s11_a_ping_left_unanswered_ends_the_session() {
    let server = checks();
    let mut client = server.enter().await;
    let since = std::time::Instant::now();
    let (_, heard) = client.until_closed().await;
    assert_eq!(heard, ["2"]);
    assert!(since.elapsed() < LONGEST_SESSION_UNANSWERED);
}

#[actix_web::test]
async fn s13_a_close_packet_closes_the_connection() {
    let server = unhurried();
    let mut client = server.open().await;
    client.say("1").await;
    assert_eq!(client.closed_with().await, Some(1000));
}

#[actix_web::test]
async fn s17_a_connect_is_answered_with_a_sid_and_nothing_else() {
    let server = unhurried();
    let mut client = server.open().await;
    client.say("40").await;
    connected(&mut client, "40").await;
    assert_eq!(client.hear().await, r#"42["auth",{}]"#);
}

#[actix_web::test]
async fn s18_what_comes_with_a_connect_is_its_auth() {
    let server = unhurried();
    let mut client = server.open().await;
    client.say(r#"40{"token":"123"}"#).await;
    connected(&mut client, "40").await;
    assert_eq!(client.hear().await, r#"42["auth",{"token":"123"}]"#);
}

#[actix_web::test]
async fn s19_s20_a_namespace_of_its_own_is_connected_the_same_way() {
    let server = unhurried();
    for (auth, echoed) in [("", "{}"), (r#"{"token":"abc"}"#, r#"{"token":"abc"}"#)] {
        let mut client = server.open().await;
        client.say(&format!("40/custom,{auth}")).await;
        connected(&mut client, "40/custom,").await;
        let event = client.hear().await;
        assert_eq!(event, format!(r#"42/custom,["auth",{echoed}]"#));
    }
}

#[actix_web::test]
async fn s21_an_unknown_namespace_is_refused_and_the_session_goes_on() {
    let server = unhurried();
    let mut client = server.open().await;
    client.say("40/random").await;
    assert_eq!(client.hear().await, r#"44/random,{"message":"Invalid namespace"}"#);
    client.say("40").await;
    connected(&mut client, "40").await;
}

#[actix_web::test]
async fn s22_a_first_message_that_is_no_packet_closes_the_connection() {
    let server = unhurried();
    let mut client = server.open().await;
    client.say("4abc").await;
    assert_eq!(client.closed_with().await, Some(1002));
}

#[actix_web::test]
async fn s23_a_session_that_connects_to_nothing_closes() {
    let mut config = quick();
    config.ping_interval_ms = 10_000;
    config.connect_timeout_ms = 200;
    let server = Running::start(echo::server(config));
    let mut client = server.open().await;
    assert_eq!(client.closed_with().await, Some(1008));
}

#[actix_web::test]
async fn s24_a_disconnect_is_not_answered_and_the_heartbeat_goes_on() {
    let server = checks();
    let mut client = server.enter().await;
    client.say("41").await;
    assert_eq!(client.hear().await, "2");
}

#[actix_web::test]
async fn s25_namespaces_of_a_session_come_and_go_by_themselves() {
    let server = checks();
    let mut client = server.enter().await;
    assert_eq!(client.hear().await, "2");
    client.say("40/custom").await;
    connected(&mut client, "40/custom,").await;
    assert_eq!(client.hear().await, r#"42/custom,["auth",{}]"#);
    client.say("41/custom").await;
    client.say(r#"42["message","still here"]"#).await;
    assert_eq!(client.hear().await, r#"42["message-back","still here"]"#);
}

#[actix_web::test]
async fn s26_arguments_come_back_as_they_went() {
    let server = unhurried();
    let mut client = server.enter().await;
    for args in [
        r#"1,"2",{"3":[true]}"#,
        r#"1.0,{"z":1e2,"a":12345678901234567890123}"#,
        r#""é\u00e9\"\\""#,
    ] {
        client.say(&format!(r#"42["message",{args}]"#)).await;
        assert_eq!(client.hear().await, format!(r#"42["message-back",{args}]"#));
    }
}

const PLACEHOLDERS: &str =
    r#"{"_placeholder":true,"num":0},{"nested":[{"_placeholder":true,"num":1}]}"#;

#[actix_web::test]
async fn s27_buffers_come_back_in_order_behind_their_event() {
    let server = unhurried();
    let mut client = server.enter().await;
    client.say(&format!(r#"452-["message",{PLACEHOLDERS}]"#)).await;
    client.say_bytes(&[1, 2, 3]).await;
    client.say_bytes(&[4, 5, 6]).await;
    let expected = format!(r#"452-["message-back",{PLACEHOLDERS}]"#);
    assert_eq!(client.hear().await, expected);
    assert_eq!(client.hear_bytes().await, [1, 2, 3][..]);
    assert_eq!(client.hear_bytes().await, [4, 5, 6][..]);
}

#[actix_web::test]
async fn s28_an_event_with_an_id_is_acknowledged_under_it() {
    let server = unhurried();
    let mut client = server.enter().await;
    for id in ["456", "0"] {
        client.say(&format!(r#"42{id}["message-with-ack",1,{{"a":"2"}}]"#)).await;
        assert_eq!(client.hear().await, format!(r#"43{id}[1,{{"a":"2"}}]"#));
    }
}

#[actix_web::test]
async fn s29_an_acknowledgement_carries_buffers_too() {
    let server = unhurried();
    let mut client = server.enter().await;
    let event = format!(r#"452-789["message-with-ack",{PLACEHOLDERS}]"#);
    client.say(&event).await;
    client.say_bytes(&[1, 2, 3]).await;
    client.say_bytes(&[4, 5, 6]).await;
    assert_eq!(client.hear().await, format!("462-789[{PLACEHOLDERS}]"));
    assert_eq!(client.hear_bytes().await, [1, 2, 3][..]);
    assert_eq!(client.hear_bytes().await, [4, 5, 6][..]);
}

#[actix_web::test]
async fn s30_s31_s32_what_is_no_packet_closes_a_connected_session() {
    let server = unhurried();
    for text in ["4abc", "42{}", r#"42abc["message"]"#] {
        let mut client = server.enter().await;
        client.say(text).await;
        assert_eq!(client.closed_with().await, Some(1002), "{text}");
    }
}

#[actix_web::test]
async fn an_event_nobody_listens_to_is_neither_answered_nor_acknowledged() {
    let server = unhurried();
    let mut client = server.enter().await;
    client.say(r#"427["no-such-event"]"#).await;
    client.say(r#"42["message",1]"#).await;
    assert_eq!(client.hear().await, r#"42["message-back",1]"#);
}

#[actix_web::test]
async fn acknowledgements_nobody_asked_for_are_ignored() {
    let server = unhurried();
    let mut client = server.enter().await;
    client.say("437[]").await;
    client.say(r#"42["message",1]"#).await;
    assert_eq!(client.hear().await, r#"42["message-back",1]"#);
}

#[actix_web::test]
async fn a_packet_for_a_namespace_that_is_not_connected_closes_the_session() {
    let server = unhurried();
    for text in [r#"42["message",1]"#, "41", "431[]", r#"42/custom,["message",1]"#] {
        let mut client = server.open().await;
        client.say(text).await;
        assert_eq!(client.closed_with().await, Some(1002), "{text}");
    }
}

#[actix_web::test]
async fn connecting_twice_to_a_namespace_closes_the_session() {
    let server = unhurried();
    let mut client = server.enter().await;
    client.say("40").await;
    assert_eq!(client.closed_with().await, Some(1002));
}

#[actix_web::test]
async fn a_namespace_may_be_entered_again_after_leaving_it() {
    let server = unhurried();
    let mut client = server.enter().await;
    client.say("41").await;
    client.say("40").await;
    connected(&mut client, "40").await;
    assert_eq!(client.hear().await, r#"42["auth",{}]"#);
}

#[actix_web::test]
async fn engine_packets_that_mean_nothing_do_no_harm() {
    let server = unhurried();
    let mut client = server.enter().await;
    for text in ["0", "3", "5", "6"] {
        client.say(text).await;
    }
    client.say(r#"42["message",1]"#).await;
    assert_eq!(client.hear().await, r#"42["message-back",1]"#);
}

#[actix_web::test]
async fn a_ping_from_the_client_closes_the_session() {
    let server = unhurried();
    let mut client = server.enter().await;
    client.say("2").await;
    assert_eq!(client.closed_with().await, Some(1002));
}
