//! Polling, beyond the public protocol tests.

#[path = "../examples/echo/app.rs"]
mod echo;
mod support;

use socketio::{Config, Server};
use support::{
    TIMEOUT, TestServer, default_heartbeat,
    http::{Poller, Response, exchange, send_request},
    probe::{Decision, probe},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

fn server() -> TestServer {
    TestServer::start(echo::server(default_heartbeat()))
}

#[actix_web::test]
async fn a_body_of_exactly_the_limit_passes_and_a_larger_one_is_413() {
    let config = Config { max_payload_bytes: 100, ..default_heartbeat() };
    let server = TestServer::start(echo::server(config));
    let poller = Poller::connect_echo(&server).await;
    let body = |bytes: usize| format!(r#"42["message","{}"]"#, "x".repeat(bytes - 16));
    assert_eq!(body(100).len(), 100);
    let too_large = poller.post(&body(101)).await;
    assert_eq!(too_large.status, 413);
    assert!(too_large.headers.contains("connection: close"));
    assert_eq!(poller.post(&body(100)).await.status_and_body(), (200, "ok"));
    assert!(poller.get().await.body.starts_with(r#"42["message-back","xxx"#));
}

#[actix_web::test]
async fn raw_bytes_are_400_and_end_the_session() {
    let server = server();
    let poller = Poller::open(&server).await;
    let headers = "content-type: application/octet-stream\r\n";
    let response = send_request(poller.address, "POST", &poller.target(), headers, b"\x041").await;
    assert_eq!(response.status, 400);
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn a_body_without_a_type_is_taken_as_text() {
    let server = server();
    let poller = Poller::connect_echo(&server).await;
    let body = r#"42["message",1]"#.as_bytes();
    let response = send_request(poller.address, "POST", &poller.target(), "", body).await;
    assert_eq!(response.status_and_body(), (200, "ok"));
}

#[actix_web::test]
async fn a_body_that_is_not_utf8_ends_the_session() {
    let server = server();
    let poller = Poller::open(&server).await;
    let response = send_request(poller.address, "POST", &poller.target(), "", b"4\xff").await;
    assert_eq!(response.status, 400);
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn chunks_that_split_a_character_are_joined_before_they_are_read() {
    let server = server();
    let poller = Poller::connect_echo(&server).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         transfer-encoding: chunked\r\n\r\n",
        poller.target()
    );
    let body = r#"42["message","é"]"#.as_bytes();
    let (front, back) = body.split_at(body.len() - 3);
    let chunk = |part: &[u8]| {
        [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n".as_slice()].concat()
    };
    let end = b"0\r\n\r\n".as_slice();
    let pieces = [head.as_bytes(), &chunk(front), &chunk(back), end];
    assert_eq!(exchange(poller.address, &pieces).await.status_and_body(), (200, "ok"));
    assert_eq!(poller.get().await.body, r#"42["message-back","é"]"#);
}

#[actix_web::test]
async fn a_second_post_ends_the_session() {
    let server = server();
    let poller = Poller::connect_echo(&server).await;
    let mut first = TcpStream::connect(poller.address).await.expect("a connection");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n4",
        poller.target()
    );
    first.write_all(head.as_bytes()).await.expect("written");
    // Either may arrive first, but they must not both succeed.
    loop {
        let second = poller.post("3").await;
        if second.status == 400 {
            break;
        }
    }
    let mut response = vec![0; 12];
    let read = timeout(TIMEOUT, first.read_exact(&mut response)).await.expect("in time");
    read.expect("an answer");
    assert_eq!(response, b"HTTP/1.1 400");
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn an_empty_packet_ends_the_session() {
    let server = server();
    for body in ["", "4x\u{1e}", "4x\u{1e}\u{1e}4y", "b!"] {
        let poller = Poller::open(&server).await;
        assert_eq!(poller.post(body).await.status, 400, "{body:?}");
        assert_eq!(poller.get().await.status, 400, "{body:?}");
    }
}

#[actix_web::test]
async fn other_methods_of_a_session_are_refused_without_harm() {
    let server = server();
    let poller = Poller::connect_echo(&server).await;
    let response = send_request(poller.address, "DELETE", &poller.target(), "", b"").await;
    assert_eq!(response.status_and_body(), (400, ""));
    poller.post(r#"42["message",1]"#).await;
    assert_eq!(poller.get().await.body, r#"42["message-back",1]"#);
}

#[actix_web::test]
async fn a_post_is_answered_only_once_its_events_have_room() {
    let (probe, mut observer) = probe(Decision::Accept);
    let config = Config { inbox_events: 2, ..default_heartbeat() };
    let server = TestServer::start(Server::builder(config).namespace("/", probe).build());
    let poller = Poller::connect(&server).await;
    observer.socket().await;
    let body = (0..50).map(|n| format!(r#"42["n",{n}]"#)).collect::<Vec<_>>().join("\u{1e}");
    let mut post = std::pin::pin!(poller.post(&body));
    // Kept open until the end: closing a poll ends the session.
    let mut get = std::pin::pin!(poller.get());
    let answered = tokio::select! {
        response = &mut post => Some(response),
        // Meanwhile the session must keep running.
        () = async {
            let waiting_get = timeout(std::time::Duration::from_millis(100), get.as_mut());
            assert!(waiting_get.await.is_err(), "nothing to say");
        } => None,
    };
    assert!(answered.is_none_or(|response: Response| response.status != 200), "no room yet");
    observer.open_gate();
    for n in 0..50 {
        assert_eq!(observer.event().await.args[0].get(), n.to_string());
    }
}

#[actix_web::test]
async fn an_answer_beyond_the_mailbox_is_taken_and_the_next_event_waits_until_it_has_left() {
    let config = Config { mailbox_messages: 2, mailbox_bytes: 1_000, ..default_heartbeat() };
    let server = TestServer::start(echo::server(config));
    let poller = Poller::connect_echo(&server).await;
    let long = "x".repeat(5_000);
    let asked = |id: u8| format!(r#"42{id}["message-with-ack","{long}"]"#);
    let three = [asked(1), asked(2), asked(3)].join("\u{1e}");
    assert_eq!(poller.post(&three).await.status_and_body(), (200, "ok"));
    for id in 1..=3 {
        assert_eq!(poller.get().await.status_and_body(), (200, &*format!(r#"43{id}["{long}"]"#)));
    }
}
