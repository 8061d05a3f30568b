//! The public Engine.IO 4 protocol tests on the bare echo application. The letters and numbers are
//! those of the check list; `engine_upgrade_checks` has the last three.

#[path = "../examples/echo/bare.rs"]
mod echo;
mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::{
    TestServer, default_heartbeat, fast_heartbeat, frequent_pings,
    http::{Poller, Response, send_request},
};

const SILENCE_MAX: Duration = Duration::from_millis(500);

/// For clients that have to outlive several pings on a busy machine.
fn frequent_pings_server() -> TestServer {
    TestServer::start_at("/engine.io/", echo::server(frequent_pings()))
}

fn fast_heartbeat_server() -> TestServer {
    TestServer::start_at("/engine.io/", echo::server(fast_heartbeat()))
}

/// For tests that do not concern the heartbeat.
fn default_server() -> TestServer {
    TestServer::start_at("/engine.io/", echo::server(default_heartbeat()))
}

async fn opening(server: &TestServer, method: &str, query: &str) -> Response {
    send_request(server.address, method, &format!("/engine.io/?{query}"), "", b"").await
}

#[track_caller]
fn assert_opens(text: &str, upgrades: &Value) {
    let opening = text.strip_prefix('0').expect("an open packet");
    let opening: Value = serde_json::from_str(opening).expect("JSON");
    let keys: Vec<_> = opening.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
    assert!(opening["sid"].as_str().expect("an id").len() >= 20);
    assert_eq!(&opening["upgrades"], upgrades);
    assert_eq!(opening["pingInterval"], 300);
    assert_eq!(opening["pingTimeout"], 200);
    assert_eq!(opening["maxPayload"], 1_000_000);
}

#[actix_web::test]
async fn e1_a_polling_session_opens_with_exactly_the_five_keys() {
    let response = opening(&fast_heartbeat_server(), "GET", "EIO=4&transport=polling").await;
    assert_eq!(response.status, 200);
    assert!(response.headers.contains("content-type: text/plain; charset=utf-8"));
    assert!(response.headers.contains("cache-control: no-store"));
    assert_opens(&response.body, &serde_json::json!(["websocket"]));
}

#[actix_web::test]
async fn e2_e3_a_polling_handshake_without_version_or_transport_is_refused() {
    let server = default_server();
    for query in ["transport=polling", "EIO=abc&transport=polling", "EIO=4", "EIO=4&transport=abc"]
    {
        assert_eq!(opening(&server, "GET", query).await.status, 400, "{query}");
    }
}

#[actix_web::test]
async fn e4_a_handshake_is_a_get() {
    let server = default_server();
    for method in ["POST", "PUT"] {
        let response = opening(&server, method, "EIO=4&transport=polling").await;
        assert_eq!(response.status, 400, "{method}");
    }
}

#[actix_web::test]
async fn e5_a_websocket_session_opens_without_upgrades() {
    let client = fast_heartbeat_server().open().await;
    assert_opens(&client.opening, &serde_json::json!([]));
}

#[actix_web::test]
async fn e6_e7_a_websocket_without_version_or_transport_is_refused() {
    let server = default_server();
    for query in
        ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]
    {
        assert!(server.try_open(&format!("/engine.io/?{query}")).await.is_err(), "{query}");
    }
}

#[actix_web::test]
async fn e8_a_posted_message_comes_back() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    let taken = poller.post("4hello").await;
    assert_eq!(taken.status_and_body(), (200, "ok"));
    assert!(taken.headers.contains("content-type: text/html"));
    assert_eq!(poller.get().await.status_and_body(), (200, "4hello"));
}

#[actix_web::test]
async fn e9_messages_of_one_body_come_back_in_one_body_and_in_order() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    poller.post("4test1\u{1e}4test2\u{1e}4test3").await;
    assert_eq!(poller.get().await.status_and_body(), (200, "4test1\u{1e}4test2\u{1e}4test3"));
}

#[actix_web::test]
async fn e10_text_and_bytes_come_back_as_they_went() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    poller.post("4hello\u{1e}bAQIDBA==").await;
    assert_eq!(poller.get().await.status_and_body(), (200, "4hello\u{1e}bAQIDBA=="));
}

#[actix_web::test]
async fn e11_a_body_that_is_no_packet_closes_the_session() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    assert_eq!(poller.post("abc").await.status, 400);
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn e12_a_second_get_ends_the_session() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    let (one, other) = tokio::join!(poller.get(), poller.get());
    let (waiting_get, second) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!(waiting_get.status_and_body(), (200, "1"));
    assert_eq!(second.status, 400);
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn e13_a_get_its_client_gave_up_ends_the_session() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    // Long enough for the request to arrive on a busy machine.
    let given_up = tokio::time::timeout(Duration::from_millis(200), poller.get()).await;
    assert!(given_up.is_err());
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn e14_e15_a_websocket_message_comes_back_as_what_it_was() {
    let server = default_server();
    let mut client = server.open().await;
    client.send_text("4hello").await;
    assert_eq!(client.receive_text().await, "4hello");
    client.send_bytes(&[1, 2, 3, 4]).await;
    assert_eq!(client.receive_bytes().await, [1, 2, 3, 4][..]);
}

#[actix_web::test]
async fn e16_e22_no_packet_or_a_close_packet_closes_the_connection() {
    let server = default_server();
    for (text, code) in [("abc", 1002), ("1", 1000)] {
        let mut client = server.open().await;
        client.send_text(text).await;
        assert_eq!(client.closed_with().await, Some(code), "{text}");
    }
}

#[actix_web::test]
async fn e17_a_poll_is_pinged_again_after_each_pong() {
    let server = frequent_pings_server();
    let poller = Poller::open(&server).await;
    for _ in 0..3 {
        assert_eq!(poller.get().await.status_and_body(), (200, "2"));
        assert_eq!(poller.post("3").await.status_and_body(), (200, "ok"));
    }
}

#[actix_web::test]
async fn e18_a_session_that_never_answered_is_over_to_the_millisecond() {
    let server = fast_heartbeat_server();
    let poller = Poller::open(&server).await;
    // The check is about exactly this moment.
    tokio::time::sleep(SILENCE_MAX).await;
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn e19_a_websocket_is_pinged_again_after_each_pong() {
    let server = frequent_pings_server();
    let mut client = server.open().await;
    for _ in 0..3 {
        assert_eq!(client.receive_text().await, "2");
        client.send_text("3").await;
    }
}

#[actix_web::test]
async fn e20_pings_left_unanswered_close_the_connection() {
    let server = fast_heartbeat_server();
    let since = Instant::now();
    let mut client = server.open().await;
    let (_, received) = client.until_closed().await;
    assert_eq!(received, ["2"]);
    assert!(since.elapsed() < SILENCE_MAX * 2);
}

#[actix_web::test]
async fn e21_a_close_packet_ends_the_get_that_went_with_it() {
    let server = default_server();
    for _ in 0..20 {
        let poller = Poller::open(&server).await;
        let (waiting_get, closing) = tokio::join!(poller.get(), poller.post("1"));
        assert_eq!(waiting_get.status_and_body(), (200, "6"));
        assert_eq!(closing.status_and_body(), (200, "ok"));
        assert_eq!(poller.get().await.status, 400);
    }
}
