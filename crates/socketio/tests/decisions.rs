//! The application's decision on a CONNECT, and its effects.

mod support;

use std::time::Duration;

use futures_util::StreamExt as _;
use socketio::{Config, DisconnectReason, EmitError, Server};
use support::{
    TestServer, connect, default_heartbeat,
    http::Poller,
    probe::{Decision, ProbeEvent, probe, probe_server},
};
use tokio::time::timeout;

#[actix_web::test]
async fn a_refusal_carries_its_data_and_the_session_goes_on() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Refuse);
    let mut client = server.open().await;
    for _ in 0..2 {
        client.send_text("40").await;
        assert_eq!(
            client.receive_text().await,
            r#"44{"message":"Not authorized","data":{"code":"token_expired"}}"#
        );
    }
    let ProbeEvent::ConnectRequested(socket) = observer.next().await else {
        panic!("expected to be asked");
    };
    assert!(matches!(socket.emit("x", &1), Err(EmitError::Closed)));
}

#[actix_web::test]
async fn nothing_is_sent_before_the_decision_and_everything_after_it() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::AcceptLater);
    let mut client = server.open().await;
    client.send_text("40").await;
    let ProbeEvent::ConnectRequested(socket) = observer.next().await else {
        panic!("expected to be asked");
    };
    socket.emit("early", &1).expect("deferred");
    client.send_text("40/unknown,").await;
    assert!(client.receive_text().await.starts_with("44/unknown,"));
    observer.open_gate();
    assert!(client.receive_text().await.starts_with("40{"));
    assert_eq!(client.receive_text().await, r#"42["early",1]"#);
}

#[actix_web::test]
async fn a_client_that_cannot_be_accepted_now_loses_the_connection_and_gets_no_answer() {
    let config = Config { connect_decision_timeout_ms: 50, ..default_heartbeat() };
    for (config, decision) in
        [(default_heartbeat(), Decision::NotNow), (config, Decision::AcceptLater)]
    {
        let (server, _observer) = probe_server(config, decision);
        let mut client = server.open().await;
        client.send_text("40").await;
        assert_eq!(client.closed_with().await, Some(1013));
        let poller = Poller::open(&server).await;
        // The session may end before it answers this.
        poller.post("40").await;
        assert_eq!(poller.get().await.status_and_body(), (200, "1"));
        assert_eq!(poller.get().await.status, 400);
    }
}

#[actix_web::test]
async fn a_connection_lost_for_one_namespace_is_lost_for_all() {
    let (open, mut observer) = probe(Decision::Accept);
    let (closed, _observer) = probe(Decision::NotNow);
    let server = Server::builder(default_heartbeat())
        .namespace("/", open)
        .namespace("/closed", closed)
        .build();
    let server = TestServer::start(server);
    let mut client = connect(&server).await;
    observer.socket().await;
    client.send_text("40/closed,").await;
    assert_eq!(client.closed_with().await, Some(1013));
    assert_eq!(observer.disconnected().await, DisconnectReason::Unavailable);
}

#[actix_web::test]
async fn a_refusal_after_the_connect_timeout_ends_the_session() {
    let config = Config { connect_timeout_ms: 50, ..default_heartbeat() };
    let (server, observer) = probe_server(config, Decision::RefuseLater);
    let mut client = server.open().await;
    client.send_text("40").await;
    let early = timeout(Duration::from_millis(150), client.stream.next()).await;
    assert!(early.is_err(), "a pending decision is waited for");
    observer.open_gate();
    let (code, received) = client.until_closed().await;
    assert_eq!(received, [r#"44{"message":"Not authorized","data":{"code":"token_expired"}}"#]);
    assert_eq!(code, Some(1008));
}

#[actix_web::test]
async fn a_decision_that_comes_after_the_end_is_followed_by_the_last_call() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::AcceptLater);
    let mut client = server.open().await;
    client.send_text("40").await;
    let ProbeEvent::ConnectRequested(_) = observer.next().await else {
        panic!("expected to be asked");
    };
    client.send_text("1").await;
    client.until_closed().await;
    observer.open_gate();
    let socket = observer.socket().await;
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::TransportClose);
    assert!(matches!(socket.emit("x", &1), Err(EmitError::Closed)));
}

#[actix_web::test]
async fn a_panic_over_a_connect_costs_one_session() {
    let (server, _observer) = probe_server(default_heartbeat(), Decision::Panic);
    let mut client = server.open().await;
    client.send_text("40").await;
    assert_eq!(client.closed_with().await, Some(1011));
    server.open().await;
}
