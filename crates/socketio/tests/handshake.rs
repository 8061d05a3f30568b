//! Handshakes: rejected requests, preflights and the admission check.

#[path = "../examples/echo/app.rs"]
mod echo;
mod support;

use std::sync::Arc;

use actix_web::http::StatusCode;
use futures_util::future::join_all;
use serde_json::Value;
use socketio::{Config, Rejection, Server, Transports};
use support::{TIMEOUT, TestServer, default_heartbeat};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Error;

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn server() -> TestServer {
    TestServer::start(echo::server(default_heartbeat()))
}

/// Sends one request and reads until the server closes the connection.
async fn send_request(server: &TestServer, method: &str, target: &str, headers: &str) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(server.address).await?;
        let request = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        std::io::Result::Ok(response)
    };
    timeout(TIMEOUT, exchange).await.expect("an answer, and the end, in time").expect("an exchange")
}

fn assert_rejected(response: &str, status: u16, body: &str) {
    let status_line = format!("HTTP/1.1 {status} ");
    assert!(response.starts_with(&status_line), "{response}");
    assert!(response.contains("content-type: application/json"), "{response}");
    assert!(response.ends_with(&format!("\r\n\r\n{body}")), "{response}");
}

#[actix_web::test]
async fn every_fault_has_its_code_and_the_first_one_counts() {
    let server = server();
    let healthy = server.open().await;
    let opening: Value = serde_json::from_str(&healthy.opening[1..]).expect("JSON");
    let sid = opening["sid"].as_str().expect("an id");
    let known_polling = format!("EIO=4&transport=polling&sid={sid}");
    let unknown_transport = r#"{"code":0,"message":"Transport unknown"}"#;
    let bad_request = r#"{"code":3,"message":"Bad request"}"#;
    let requests = [
        ("GET", "", UPGRADE, unknown_transport),
        ("GET", "EIO=4", UPGRADE, unknown_transport),
        ("GET", "EIO=4&transport=flashsocket", "", unknown_transport),
        ("GET", "EIO=4&transport=abc&sid=x", UPGRADE, unknown_transport),
        (
            "GET",
            "EIO=4&transport=websocket&sid=x",
            UPGRADE,
            r#"{"code":1,"message":"Session ID unknown"}"#,
        ),
        (
            "POST",
            "EIO=4&transport=polling&sid=x",
            "",
            r#"{"code":1,"message":"Session ID unknown"}"#,
        ),
        ("GET", &known_polling, "", bad_request),
        (
            "DELETE",
            "EIO=4&transport=websocket",
            "",
            r#"{"code":2,"message":"Bad handshake method"}"#,
        ),
        ("GET", "EIO=4&transport=websocket", "", bad_request),
        (
            "GET",
            "EIO=4&transport=websocket",
            "connection: upgrade\r\nupgrade: websocket\r\n",
            bad_request,
        ),
        ("PUT", "EIO=4&transport=polling", "", r#"{"code":2,"message":"Bad handshake method"}"#),
        (
            "GET",
            "EIO=3&transport=polling",
            "",
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
        (
            "GET",
            "EIO=3&transport=websocket",
            UPGRADE,
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
        (
            "GET",
            "transport=websocket",
            UPGRADE,
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
    ];
    // Concurrently, since a refused connection takes time to close.
    let server_ref = &server;
    join_all(requests.map(|(method, query, headers, body)| async move {
        let target = format!("/socket.io/?{query}");
        let response = send_request(server_ref, method, &target, headers).await;
        assert_rejected(&response, 400, body);
    }))
    .await;
    assert_eq!(server.server.session_count(), 1);
    drop(healthy);
}

#[actix_web::test]
async fn polling_can_be_left_out_of_the_offer() {
    let config = Config { transports: Transports::WebSocketOnly, ..default_heartbeat() };
    let server = TestServer::start(echo::server(config));
    let response = send_request(&server, "GET", "/socket.io/?EIO=4&transport=polling", "").await;
    assert_rejected(&response, 400, r#"{"code":0,"message":"Transport unknown"}"#);
    server.connect_echo().await;
}

#[actix_web::test]
async fn a_preflight_is_answered_without_a_session() {
    let server = server();
    for query in ["", "?EIO=4&transport=polling&sid=x"] {
        let target = format!("/socket.io/{query}");
        let response = send_request(&server, "OPTIONS", &target, "connection: close\r\n").await;
        assert!(response.starts_with("HTTP/1.1 204 "), "{response}");
    }
    assert_eq!(server.server.session_count(), 0);
}

#[actix_web::test]
async fn the_path_is_served_with_and_without_its_slash_and_unknown_parameters_are_ignored() {
    let server = server();
    for path in ["/socket.io/", "/socket.io"] {
        let path = format!("{path}?t=abc&EIO=4&transport=websocket&x=%ff");
        assert!(server.try_open(&path).await.is_ok(), "{path}");
    }
}

#[actix_web::test]
async fn the_application_may_turn_a_request_away() {
    let rejections = [
        (Rejection::forbidden(), 403, r#"{"code":4,"message":"Forbidden"}"#),
        (
            Rejection::new(StatusCode::TOO_MANY_REQUESTS, "Too many sessions"),
            429,
            r#"{"code":3,"message":"Too many sessions"}"#,
        ),
    ];
    for (rejection, status, body) in rejections {
        let server = Server::builder(default_heartbeat())
            .admission(move |request| {
                let origin = request.headers().get("origin");
                if origin.is_some_and(|origin| origin == "https://example.org") {
                    Ok(())
                } else {
                    Err(rejection.clone())
                }
            })
            .build();
        let server = TestServer::start(server);
        let target = "/socket.io/?EIO=4&transport=websocket";
        assert_rejected(&send_request(&server, "GET", target, UPGRADE).await, status, body);
        let other_version = "/socket.io/?EIO=3&transport=websocket";
        let headers = format!("origin: https://example.org\r\n{UPGRADE}");
        let response = send_request(&server, "GET", other_version, &headers).await;
        assert!(response.contains(r#""code":5"#), "{response}");
    }
}

#[actix_web::test]
async fn what_the_admission_gives_is_kept_as_long_as_the_session() {
    let kept = Arc::new(());
    let permit = kept.clone();
    let server =
        Server::builder(default_heartbeat()).admission(move |_| Ok(permit.clone())).build();
    let server = TestServer::start(server);
    let mut client = server.open().await;
    assert_eq!(Arc::strong_count(&kept), 3, "ours, the server's and the session's");
    client.send_text("1").await;
    client.until_closed().await;
    server.server.close(TIMEOUT).await;
    assert_eq!(Arc::strong_count(&kept), 2);
}

#[actix_web::test]
async fn a_full_server_refuses_until_a_session_is_gone() {
    let server = TestServer::start(echo::server(Config { sessions_max: 1, ..default_heartbeat() }));
    let mut first = server.connect_echo().await;
    let refused = server.try_open("/socket.io/?EIO=4&transport=websocket").await;
    assert!(
        matches!(&refused, Err(Error::Http(response)) if response.status() == 503),
        "one too many"
    );
    first.send_text("1").await;
    first.until_closed().await;
    server.connect_echo().await;
}
