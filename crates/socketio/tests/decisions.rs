//! How an application decides on a client that wants to enter, and what comes of it.

mod support;

use std::time::Duration;

use futures_util::StreamExt as _;
use socketio::{Config, DisconnectReason, EmitError, Server};
use support::{
    Running, calm, connected,
    http::Poller,
    probe::{Decision, Happened, probe, probed},
};
use tokio::time::timeout;

#[actix_web::test]
async fn a_refusal_carries_its_data_and_the_session_goes_on() {
    let (server, mut watcher) = probed(calm(), Decision::Refuse);
    let mut client = server.open().await;
    for _ in 0..2 {
        client.say("40").await;
        assert_eq!(
            client.hear().await,
            r#"44{"message":"Not authorized","data":{"code":"token_expired"}}"#
        );
    }
    let Happened::Asked(socket) = watcher.next().await else {
        panic!("expected to be asked");
    };
    assert!(matches!(socket.emit("x", &1), Err(EmitError::Closed)));
}

#[actix_web::test]
async fn nothing_is_sent_before_the_decision_and_everything_after_it() {
    let (server, mut watcher) = probed(calm(), Decision::AcceptLater);
    let mut client = server.open().await;
    client.say("40").await;
    let Happened::Asked(socket) = watcher.next().await else {
        panic!("expected to be asked");
    };
    socket.emit("early", &1).expect("held");
    client.say("40/unknown,").await;
    assert!(client.hear().await.starts_with("44/unknown,"));
    watcher.open_gate();
    assert!(client.hear().await.starts_with("40{"));
    assert_eq!(client.hear().await, r#"42["early",1]"#);
}

#[actix_web::test]
async fn who_cannot_be_let_in_now_loses_the_connection_and_gets_no_answer() {
    let config = Config { connect_decision_timeout_ms: 50, ..calm() };
    for (config, decision) in [(calm(), Decision::NotNow), (config, Decision::AcceptLater)] {
        let (server, _watcher) = probed(config, decision);
        let mut client = server.open().await;
        client.say("40").await;
        assert_eq!(client.closed_with().await, Some(1013));
        let poller = Poller::open(&server).await;
        // The session may end before it has answered this.
        poller.post("40").await;
        assert_eq!(poller.get().await.said(), (200, "1"));
        assert_eq!(poller.get().await.status, 400);
    }
}

#[actix_web::test]
async fn a_connection_lost_for_one_namespace_is_lost_for_all() {
    let (open, mut watcher) = probe(Decision::Accept);
    let (closed, _watcher) = probe(Decision::NotNow);
    let server = Server::builder(calm()).namespace("/", open).namespace("/closed", closed).build();
    let server = Running::start(server);
    let mut client = connected(&server).await;
    watcher.socket().await;
    client.say("40/closed,").await;
    assert_eq!(client.closed_with().await, Some(1013));
    assert_eq!(watcher.disconnected().await, DisconnectReason::Unavailable);
}

#[actix_web::test]
async fn a_refusal_after_the_connect_timeout_ends_the_session() {
    let config = Config { connect_timeout_ms: 50, ..calm() };
    let (server, watcher) = probed(config, Decision::RefuseLater);
    let mut client = server.open().await;
    client.say("40").await;
    let early = timeout(Duration::from_millis(150), client.stream.next()).await;
    assert!(early.is_err(), "a pending decision is waited for");
    watcher.open_gate();
    let (code, heard) = client.until_closed().await;
    assert_eq!(heard, [r#"44{"message":"Not authorized","data":{"code":"token_expired"}}"#]);
    assert_eq!(code, Some(1008));
}

#[actix_web::test]
async fn a_decision_that_comes_after_the_end_is_followed_by_the_last_call() {
    let (server, mut watcher) = probed(calm(), Decision::AcceptLater);
    let mut client = server.open().await;
    client.say("40").await;
    let Happened::Asked(_) = watcher.next().await else {
        panic!("expected to be asked");
    };
    client.say("1").await;
    client.until_closed().await;
    watcher.open_gate();
    let socket = watcher.socket().await;
    let reason = watcher.disconnected().await;
    assert_eq!(reason, DisconnectReason::TransportClose);
    assert!(matches!(socket.emit("x", &1), Err(EmitError::Closed)));
}

#[actix_web::test]
async fn a_panic_over_a_connect_costs_one_session() {
    let (server, _watcher) = probed(calm(), Decision::Panic);
    let mut client = server.open().await;
    client.say("40").await;
    assert_eq!(client.closed_with().await, Some(1011));
    server.open().await;
}
