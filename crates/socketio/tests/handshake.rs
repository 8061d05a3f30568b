//! Requests that open no session, and what they are told.

#[path = "../examples/echo/app.rs"]
mod echo;
mod support;

use std::sync::Arc;

use actix_web::http::StatusCode;
use futures_util::future::join_all;
use serde_json::Value;
use socketio::{Config, Rejection, Server, Transports};
use support::{PATIENCE, Running, calm};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Error;

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn server() -> Running {
    Running::start(echo::server(calm()))
}

/// Sends one request, and reads until the server closes the connection.
async fn ask(server: &Running, method: &str, target: &str, headers: &str) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(server.address).await?;
        let request = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    timeout(PATIENCE, exchange)
        .await
        .expect("an answer, and the end, in time")
        .expect("an exchange")
}

fn assert_told(answer: &str, status: u16, body: &str) {
    let status_line = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&status_line), "{answer}");
    assert!(answer.contains("content-type: application/json"), "{answer}");
    assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
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
    // All at once, for a refused connection takes its time to end.
    let server_ref = &server;
    join_all(requests.map(|(method, query, headers, body)| async move {
        let target = format!("/socket.io/?{query}");
        let answer = ask(server_ref, method, &target, headers).await;
        assert_told(&answer, 400, body);
    }))
    .await;
    assert_eq!(server.server.session_count(), 1);
    drop(healthy);
}

#[actix_web::test]
async fn polling_can_be_left_out_of_the_offer() {
    let config = Config { transports: Transports::WebSocketOnly, ..calm() };
    let server = Running::start(echo::server(config));
    let answer = ask(&server, "GET", "/socket.io/?EIO=4&transport=polling", "").await;
    assert_told(&answer, 400, r#"{"code":0,"message":"Transport unknown"}"#);
    server.enter().await;
}

#[actix_web::test]
async fn a_preflight_is_answered_without_a_session() {
    let server = server();
    for query in ["", "?EIO=4&transport=polling&sid=x"] {
        let target = format!("/socket.io/{query}");
        let answer = ask(&server, "OPTIONS", &target, "connection: close\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
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
        let server = Server::builder(calm())
            .admission(move |request| {
                let origin = request.headers().get("origin");
                if origin.is_some_and(|origin| origin == "https://example.org") {
                    Ok(())
                } else {
                    Err(rejection.clone())
                }
            })
            .build();
        let server = Running::start(server);
        let target = "/socket.io/?EIO=4&transport=websocket";
        assert_told(&ask(&server, "GET", target, UPGRADE).await, status, body);
        let other_version = "/socket.io/?EIO=3&transport=websocket";
        let headers = format!("origin: https://example.org\r\n{UPGRADE}");
        let answer = ask(&server, "GET", other_version, &headers).await;
        assert!(answer.contains(r#""code":5"#), "{answer}");
    }
}

#[actix_web::test]
async fn what_the_admission_gives_is_kept_as_long_as_the_session() {
    let kept = Arc::new(());
    let permit = kept.clone();
    let server = Server::builder(calm()).admission(move |_| Ok(permit.clone())).build();
    let server = Running::start(server);
    let mut client = server.open().await;
    assert_eq!(Arc::strong_count(&kept), 3, "ours, the server's and the session's");
    client.say("1").await;
    client.until_closed().await;
    server.server.close(PATIENCE).await;
    assert_eq!(Arc::strong_count(&kept), 2);
}

#[actix_web::test]
async fn a_full_server_refuses_until_a_session_is_gone() {
    let server = Running::start(echo::server(Config { sessions_max: 1, ..calm() }));
    let mut first = server.enter().await;
    let refused = server.try_open("/socket.io/?EIO=4&transport=websocket").await;
    assert!(matches!(&refused, Err(Error::Http(answer)) if answer.status() == 503), "one too many");
    first.say("1").await;
    first.until_closed().await;
    server.enter().await;
}
