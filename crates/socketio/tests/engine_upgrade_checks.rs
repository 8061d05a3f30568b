//! The public Engine.IO 4 protocol tests of the upgrade, and further cases.

#[path = "../examples/echo/bare.rs"]
mod echo;
mod support;

use socketio::Config;
use support::{Client, TestServer, default_heartbeat, http::Poller};

fn server() -> TestServer {
    TestServer::start_at("/engine.io/", echo::server(default_heartbeat()))
}

async fn probed(server: &TestServer, poller: &Poller) -> Client {
    let mut socket = server.try_upgrade(poller).await.expect("a WebSocket");
    socket.send_text("2probe").await;
    assert_eq!(socket.receive_text().await, "3probe");
    socket
}

async fn echoes(socket: &mut Client) {
    socket.send_text("4hello").await;
    assert_eq!(socket.receive_text().await, "4hello");
}

async fn still_polls(poller: &Poller) {
    assert_eq!(poller.post("4still here").await.status_and_body(), (200, "ok"));
    let mut response = poller.get().await;
    if response.status_and_body() == (200, "6") {
        response = poller.get().await;
    }
    assert_eq!(response.status_and_body(), (200, "4still here"));
}

#[actix_web::test]
async fn e23_a_get_during_the_probe_ends_and_the_websocket_takes_over() {
    let server = server();
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    assert_eq!(poller.get().await.status_and_body(), (200, "6"));
    socket.send_text("5").await;
    echoes(&mut socket).await;
}

#[actix_web::test]
async fn e24_a_get_after_the_upgrade_is_refused_and_harms_nobody() {
    let server = server();
    for _ in 0..20 {
        let poller = Poller::open(&server).await;
        let mut socket = probed(&server, &poller).await;
        socket.send_text("5").await;
        assert_eq!(poller.get().await.status, 400);
        echoes(&mut socket).await;
    }
}

#[actix_web::test]
async fn e25_a_second_websocket_is_accepted_and_closed_and_harms_nobody() {
    let server = server();
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    second_is_closed(&server, &poller.upgrade_target(), "during the probe").await;
    socket.send_text("5").await;
    second_is_closed(&server, &poller.upgrade_target(), "right after the upgrade").await;
    echoes(&mut socket).await;
    second_is_closed(&server, &poller.upgrade_target(), "long after the upgrade").await;
    echoes(&mut socket).await;
}

#[actix_web::test]
async fn a_websocket_with_the_sid_of_one_that_began_as_a_websocket_is_accepted_and_closed() {
    let server = server();
    let mut socket = server.open().await;
    let opening: serde_json::Value = serde_json::from_str(&socket.opening[1..]).expect("JSON");
    let sid = opening["sid"].as_str().expect("a sid");
    let target = format!("{}?EIO=4&transport=websocket&sid={sid}", server.path);
    second_is_closed(&server, &target, "beside a WebSocket").await;
    echoes(&mut socket).await;
}

/// A WebSocket that cannot take over is accepted and then closed, at any time: Node.js clients treat a
/// refused handshake as a program error.
async fn second_is_closed(server: &TestServer, target: &str, when: &str) {
    let second = server.try_websocket(target).await;
    let mut second = second.unwrap_or_else(|error| panic!("{when}: {error}"));
    assert_eq!(second.closed_with().await, Some(1008), "{when}");
}

#[actix_web::test]
async fn a_get_waiting_since_before_the_probe_is_ended() {
    let server = server();
    let poller = Poller::open(&server).await;
    let (waiting_get, mut socket) = tokio::join!(poller.get(), probed(&server, &poller));
    assert_eq!(waiting_get.status_and_body(), (200, "6"));
    socket.send_text("5").await;
    echoes(&mut socket).await;
}

#[actix_web::test]
async fn what_waits_is_delivered_once_and_by_the_websocket_after_the_upgrade() {
    let server = server();
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    poller.post("4first\u{1e}bAQID").await;
    socket.send_text("5").await;
    assert_eq!(socket.receive_text().await, "4first");
    assert_eq!(socket.receive_bytes().await, [1, 2, 3][..]);
    echoes(&mut socket).await;
}

#[actix_web::test]
async fn a_poll_during_the_probe_gets_what_waits() {
    let server = server();
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    poller.post("4first").await;
    assert_eq!(poller.get().await.status_and_body(), (200, "4first"));
    socket.send_text("5").await;
    echoes(&mut socket).await;
}

#[actix_web::test]
async fn a_websocket_that_does_not_follow_the_steps_is_closed_and_polling_goes_on() {
    let server = server();
    let poller = Poller::open(&server).await;
    for wrong in ["4hello", "5", "2", "abc"] {
        let mut socket = server.try_upgrade(&poller).await.expect("a WebSocket");
        socket.send_text(wrong).await;
        assert_eq!(socket.closed_with().await, Some(1008), "{wrong}");
        still_polls(&poller).await;
    }
    let mut socket = probed(&server, &poller).await;
    socket.send_text("4too early").await;
    assert_eq!(socket.closed_with().await, Some(1008));
    still_polls(&poller).await;
}

#[actix_web::test]
async fn a_websocket_that_breaks_before_the_upgrade_leaves_polling_alone() {
    let server = server();
    let poller = Poller::open(&server).await;
    drop(probed(&server, &poller).await);
    still_polls(&poller).await;
}

#[actix_web::test]
async fn a_websocket_that_hesitates_is_closed_and_polling_goes_on() {
    let config = Config { upgrade_timeout_ms: 50, ..default_heartbeat() };
    let server = TestServer::start_at("/engine.io/", echo::server(config));
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    assert_eq!(socket.closed_with().await, Some(1008));
    still_polls(&poller).await;
}

#[actix_web::test]
async fn a_session_that_ends_takes_its_probing_websocket_along() {
    let server = server();
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    poller.post("1").await;
    assert_eq!(poller.get().await.status_and_body(), (200, "6"));
    assert_eq!(socket.closed_with().await, Some(1008));
}

#[actix_web::test]
async fn the_heartbeat_goes_on_across_the_upgrade() {
    let config = Config { ping_interval_ms: 150, ping_timeout_ms: 5_000, ..default_heartbeat() };
    let server = TestServer::start_at("/engine.io/", echo::server(config));
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    // No poll is waiting when the ping falls due.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    socket.send_text("5").await;
    assert_eq!(socket.receive_text().await, "2");
    let answered = std::time::Instant::now();
    socket.send_text("3").await;
    assert_eq!(socket.receive_text().await, "2");
    assert!(answered.elapsed() >= std::time::Duration::from_millis(140), "one heartbeat, not two");
}
