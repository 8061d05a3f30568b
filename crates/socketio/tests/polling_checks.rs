//! The public Socket.IO 5 protocol tests of polling and the upgrade, on the echo application.

#[path = "../examples/echo/app.rs"]
mod echo;
mod support;

use std::time::Duration;

use support::{
    Client, TestServer, default_heartbeat, fast_heartbeat, frequent_pings,
    http::{Poller, send_request},
};

fn fast_heartbeat_server() -> TestServer {
    TestServer::start(echo::server(fast_heartbeat()))
}

/// For tests that do not concern the heartbeat.
fn default_server() -> TestServer {
    TestServer::start(echo::server(default_heartbeat()))
}

async fn probed(server: &TestServer, poller: &Poller) -> Client {
    let mut socket = server.try_upgrade(poller).await.expect("a WebSocket");
    socket.send_text("2probe").await;
    assert_eq!(socket.receive_text().await, "3probe");
    socket
}

async fn connects_to_echo(socket: &mut Client) {
    socket.send_text("40").await;
    assert!(socket.receive_text().await.starts_with(r#"40{"sid":""#));
    assert_eq!(socket.receive_text().await, r#"42["auth",{}]"#);
}

#[actix_web::test]
async fn s1_a_polling_session_opens_and_offers_the_websocket() {
    let server = fast_heartbeat_server();
    let response =
        send_request(server.address, "GET", "/socket.io/?EIO=4&transport=polling", "", b"").await;
    assert_eq!(response.status, 200);
    let rest =
        r#"","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#;
    assert_eq!(response.body, format!(r#"0{{"sid":"{}{rest}"#, response.sid()));
}

#[actix_web::test]
async fn s2_s3_s4_a_handshake_out_of_order_is_refused() {
    let server = default_server();
    for (method, query) in [
        ("GET", "transport=polling"),
        ("GET", "EIO=abc&transport=polling"),
        ("GET", "EIO=4"),
        ("GET", "EIO=4&transport=abc"),
        ("POST", "EIO=4&transport=polling"),
        ("PUT", "EIO=4&transport=polling"),
    ] {
        let target = format!("/socket.io/?{query}");
        let response = send_request(server.address, method, &target, "", b"").await;
        assert_eq!(response.status, 400, "{method} {query}");
    }
}

#[actix_web::test]
async fn s8_a_poll_is_pinged_again_after_each_pong() {
    let server = TestServer::start(echo::server(frequent_pings()));
    let poller = Poller::open(&server).await;
    for _ in 0..3 {
        assert_eq!(poller.get().await.status_and_body(), (200, "2"));
        assert_eq!(poller.post("3").await.status_and_body(), (200, "ok"));
    }
}

#[actix_web::test]
async fn s9_a_session_that_never_answered_is_over_to_the_millisecond() {
    let server = fast_heartbeat_server();
    let poller = Poller::open(&server).await;
    // The check is about exactly this moment.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn s12_a_close_packet_ends_the_get_that_went_with_it() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    let (waiting_get, closing) = tokio::join!(poller.get(), poller.post("1"));
    assert_eq!((waiting_get.status_and_body(), closing.status), ((200, "6"), 200));
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn s14_a_probed_websocket_takes_over() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    socket.send_text("5").await;
    connects_to_echo(&mut socket).await;
}

#[actix_web::test]
async fn s15_a_get_after_the_upgrade_is_refused_and_harms_nobody() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    socket.send_text("5").await;
    assert_eq!(poller.get().await.status, 400);
    connects_to_echo(&mut socket).await;
}

#[actix_web::test]
async fn s16_a_second_websocket_is_accepted_and_closed_and_harms_nobody() {
    let server = default_server();
    let poller = Poller::open(&server).await;
    let mut socket = probed(&server, &poller).await;
    socket.send_text("5").await;
    let mut second = server.try_upgrade(&poller).await.expect("a handshake");
    assert_eq!(second.closed_with().await, Some(1008));
    connects_to_echo(&mut socket).await;
}

#[actix_web::test]
async fn s17_to_s29_hold_on_polling_too() {
    let server = default_server();
    let poller = Poller::connect_echo(&server).await;
    for (packet, expected) in [
        (r#"42["message",1,"2",{"3":[true]}]"#, r#"42["message-back",1,"2",{"3":[true]}]"#),
        (r#"42456["message-with-ack",1]"#, "43456[1]"),
        (
            "451-[\"message\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQID",
            "451-[\"message-back\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQID",
        ),
        (
            "451-7[\"message-with-ack\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQID",
            "461-7[{\"_placeholder\":true,\"num\":0}]\u{1e}bAQID",
        ),
        ("40/random", r#"44/random,{"message":"Invalid namespace"}"#),
    ] {
        assert_eq!(poller.post(packet).await.status_and_body(), (200, "ok"), "{packet}");
        assert_eq!(poller.get().await.status_and_body(), (200, expected));
    }
}

#[actix_web::test]
async fn s22_s30_s31_s32_what_is_no_packet_ends_a_polling_session() {
    let server = default_server();
    for text in ["4abc", "42{}", r#"42abc["message"]"#] {
        let poller = Poller::connect_echo(&server).await;
        assert_eq!(poller.post(text).await.status, 400, "{text}");
        assert_eq!(poller.get().await.status, 400, "{text}");
    }
}
