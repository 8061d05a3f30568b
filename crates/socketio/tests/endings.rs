//! How sessions end.

mod support;

use std::time::Duration;

use futures_util::SinkExt as _;
use socketio::{Config, DisconnectReason, EmitError, Frame, Server, Socket};
use support::{
    TIMEOUT, TestServer, connect, default_heartbeat,
    probe::{self, Decision, ProbeEvent, ProbeObserver},
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

fn probe_server(config: Config) -> (TestServer, ProbeObserver) {
    let (server, observer) = probe::probe_server(config, Decision::Accept);
    observer.open_gate();
    (server, observer)
}

/// Sends `frame` until `socket` refuses it.
fn send_until_error(socket: &Socket, frame: &Frame) -> EmitError {
    loop {
        if let Err(error) = socket.send(frame) {
            return error;
        }
    }
}

#[actix_web::test]
async fn a_slow_reader_is_closed_and_nobody_else_is_affected() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let slow = connect(&server).await;
    let slow_socket = observer.socket().await;
    let mut other = connect(&server).await;
    let other_socket = observer.socket().await;

    let frame = Frame::new("/", "flood", &"x".repeat(100_000)).expect("JSON");
    let error = send_until_error(&slow_socket, &frame);
    assert!(matches!(error, EmitError::SlowReader));
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::SlowReader);
    assert!(matches!(slow_socket.send(&frame), Err(EmitError::Closed)));

    other_socket.emit("fine", &1).expect("sent");
    assert_eq!(other.receive_text().await, r#"42["fine",1]"#);
    drop(slow);
}

#[actix_web::test]
async fn a_client_that_stops_reading_in_silence_is_ended_by_its_heartbeat() {
    let (server, mut observer) = probe_server(support::fast_heartbeat());
    let _silent = connect(&server).await;
    let socket = observer.socket().await;
    let frame = Frame::new("/", "flood", &"x".repeat(1_000_000)).expect("JSON");
    socket.send(&frame).expect("one always fits");
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::PingTimeout);
}

#[actix_web::test]
async fn volatile_frames_are_dropped_before_durable_ones_are_refused() {
    let config = Config { mailbox_messages: 4, ..default_heartbeat() };
    let (server, mut observer) = probe_server(config);
    let mut client = connect(&server).await;
    let socket = observer.socket().await;
    let large = Frame::new("/", "large", &"x".repeat(900_000)).expect("JSON");
    let small = Frame::new("/", "small", &1).expect("JSON");
    // Fill the buffers of the connection until volatile frames are dropped.
    socket.send(&large).expect("room");
    let dropped = loop {
        match socket.send_volatile(&small) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(dropped, EmitError::Dropped));
    socket.send(&small).expect("durable frames still have room");
    while client.receive_text().await != r#"42["small",1]"# {}
}

#[actix_web::test]
async fn a_large_broadcast_arrives_whole_and_in_order_with_pings_between() {
    let config =
        Config { mailbox_messages: 5_000, mailbox_bytes: 100_000_000, ..support::frequent_pings() };
    let (server, mut observer) = probe_server(config);
    let mut client = connect(&server).await;
    let socket = observer.socket().await;
    for n in 0..2_000 {
        let text = "x".repeat(n % 700 * 10);
        socket.emit("n", &(n, text)).expect("room");
    }
    let mut n = 0;
    while n < 2_000 {
        let text = client.receive_text().await;
        if text == "2" {
            client.send_text("3").await;
        } else {
            assert!(text.starts_with(&format!(r#"42["n",[{n},"#)), "{n}");
            n += 1;
        }
    }
}

#[actix_web::test]
async fn many_attachments_follow_their_event_without_a_gap() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let mut client = connect(&server).await;
    let socket = observer.socket().await;
    for n in 0..3_u8 {
        let attachments = (0..40).map(|i| vec![n, i].into()).collect();
        let frame = Frame::with_attachments("/", "all", &n, attachments).expect("JSON");
        socket.send(&frame).expect("room");
    }
    for n in 0..3_u8 {
        assert_eq!(client.receive_text().await, format!(r#"4540-["all",{n}]"#));
        for i in 0..40 {
            assert_eq!(client.receive_bytes().await, [n, i][..]);
        }
    }
}

#[actix_web::test]
async fn a_shutdown_closes_with_1001_and_without_a_disconnect() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let mut client = connect(&server).await;
    observer.socket().await.emit("last", &1).expect("sent");
    let mut idle_session = server.open().await;

    let (closed, ()) = tokio::join!(client.until_closed(), server.server.close(TIMEOUT));
    assert_eq!(closed, (Some(1001), vec![r#"42["last",1]"#.to_owned()]));
    assert_eq!(idle_session.closed_with().await, Some(1001));
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::ServerShutdown);
    assert_eq!(server.server.session_count(), 0);

    let late = server.try_open("/socket.io/?EIO=4&transport=websocket").await;
    assert!(late.is_err(), "a stopping server opens no session");
}

#[actix_web::test]
async fn a_shutdown_still_sends_what_waits() {
    let config = Config { mailbox_bytes: 100_000_000, ..default_heartbeat() };
    let (server, mut observer) = probe_server(config);
    let mut client = connect(&server).await;
    let socket = observer.socket().await;
    // More than the buffers of the connection hold, so that some frames stay queued.
    let frame = Frame::new("/", "large", &"x".repeat(1_000_000)).expect("JSON");
    for _ in 0..20 {
        socket.send(&frame).expect("room");
    }
    let ((code, received), ()) = tokio::join!(client.until_closed(), server.server.close(TIMEOUT));
    assert_eq!((code, received.len()), (Some(1001), 20));
}

#[actix_web::test]
async fn a_shutdown_waits_no_longer_than_it_is_given() {
    let (probe, mut observer) = probe::probe(Decision::Accept);
    let server = Server::builder(default_heartbeat()).namespace("/", probe).build();
    let server = TestServer::start(server);
    let mut client = connect(&server).await;
    observer.socket().await;
    client.send_text(r#"427["stuck"]"#).await;
    client.send_text("40/unknown,").await;
    client.receive_text().await;
    server.server.close(Duration::from_millis(50)).await;
    assert_eq!(server.server.session_count(), 1, "its handler is stuck");
    observer.open_gate();
    assert_eq!(observer.event().await.name, "stuck");
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::ServerShutdown);
}

#[actix_web::test]
async fn a_peer_that_vanishes_ends_its_session_at_once() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let client = connect(&server).await;
    observer.socket().await;
    drop(client);
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::TransportClose);
}

#[actix_web::test]
async fn what_came_in_one_go_with_a_fault_is_handled_before_the_end() {
    for (fault, expected) in [
        (Message::text("4?"), DisconnectReason::ParseError),
        (Message::text("4".repeat(1_000_001)), DisconnectReason::TransportError),
        (Message::Close(None), DisconnectReason::TransportClose),
    ] {
        let (server, mut observer) = probe_server(default_heartbeat());
        let mut client = connect(&server).await;
        let event = Message::text(r#"42["leave"]"#);
        client.stream.feed(event).await.expect("buffered");
        client.send(fault).await;
        observer.socket().await;
        assert_eq!(observer.event().await.name, "leave");
        assert_eq!(observer.disconnected().await, expected);
    }
}

#[actix_web::test]
async fn a_client_that_answers_pings_it_never_reads_is_ended() {
    let (server, mut observer) = probe_server(support::frequent_pings());
    let mut client = connect(&server).await;
    let socket = observer.socket().await;
    let frame = Frame::new("/", "flood", &"x".repeat(10_000_000)).expect("JSON");
    socket.send(&frame).expect("one always fits");
    let tick = Duration::from_millis(20);
    let event = loop {
        match timeout(tick, observer.events.recv()).await {
            Ok(event) => break event,
            Err(_) => client.send_text("3").await,
        }
    };
    let expected = DisconnectReason::SlowReader;
    assert!(matches!(event, Some(ProbeEvent::Disconnected(reason)) if reason == expected));
}

#[actix_web::test]
async fn a_client_that_closes_its_websocket_ends_its_session() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let mut client = connect(&server).await;
    observer.socket().await;
    client.stream.close(None).await.expect("closed");
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::TransportClose);
}
