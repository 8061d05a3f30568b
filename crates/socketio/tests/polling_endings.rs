//! How polling sessions end, and which packets their clients receive.

#[path = "../examples/echo/app.rs"]
mod echo;
mod support;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use socketio::{
    Accepted, Config, ConnectRequest, DisconnectReason, Event, Handler, Namespace, Refusal, Server,
    Socket,
};
use support::{
    TIMEOUT, TestServer, default_heartbeat,
    http::Poller,
    probe::{self, Decision, Probe, ProbeEvent, ProbeObserver},
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::mpsc, time::timeout};

fn probe_server(config: Config) -> (TestServer, ProbeObserver) {
    let (server, observer) = probe::probe_server(config, Decision::Accept);
    observer.open_gate();
    (server, observer)
}

#[actix_web::test]
async fn a_get_its_client_reset_ends_the_session() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let poller = Poller::connect(&server).await;
    observer.socket().await;
    let mut stream = TcpStream::connect(poller.address).await.expect("a connection");
    let request = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", poller.target());
    stream.write_all(request.as_bytes()).await.expect("written");
    // The event may arrive just before the GET or after it; either way the GET arrives.
    poller.post(r#"42["seen"]"#).await;
    assert_eq!(observer.event().await.name, "seen");
    stream.set_zero_linger().expect("a reset when dropped");
    drop(stream);
    let reset = timeout(TIMEOUT, async {
        // Either the first GET is still waiting and overlaps with this one, or this one waits.
        tokio::select! {
            reason = observer.disconnected() => reason,
            _ = poller.get() => observer.disconnected().await,
        }
    });
    let reason = reset.await.expect("an end in time");
    assert!(matches!(reason, DisconnectReason::TransportClose | DisconnectReason::TransportError));
}

#[actix_web::test]
async fn a_get_whose_client_closed_the_connection_ends_the_session() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let poller = Poller::connect(&server).await;
    let socket = observer.socket().await;
    let mut stream = TcpStream::connect(poller.address).await.expect("a connection");
    // So that new activity can be distinguished from earlier activity.
    while socket.silent_for() < Duration::from_millis(2) {
        tokio::task::yield_now().await;
    }
    let before = Instant::now();
    let request = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", poller.target());
    stream.write_all(request.as_bytes()).await.expect("written");
    // Asked for the time first, so that a pause between the two makes activity look older, never newer.
    // The time of activity is kept in whole milliseconds.
    let latest = || Instant::now() + Duration::from_millis(1);
    let is_active = || latest().checked_sub(socket.silent_for()) > Some(before);
    let waiting_get = timeout(TIMEOUT, async {
        while !is_active() {
            tokio::task::yield_now().await;
        }
    });
    waiting_get.await.expect("the GET arrives");
    drop(stream);
    let reason = timeout(TIMEOUT, observer.disconnected()).await.expect("an end in time");
    assert_eq!(reason, DisconnectReason::TransportClose);
}

#[actix_web::test]
async fn a_waiting_get_receives_why_the_server_ends_the_session() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let poller = Poller::connect(&server).await;
    let socket = observer.socket().await;
    let mut waiting_get = std::pin::pin!(poller.get());
    let early = timeout(Duration::from_millis(100), &mut waiting_get).await;
    assert!(early.is_err(), "nothing to say yet");
    socket.close_session();
    let waiting_get = waiting_get.await;
    assert_eq!(waiting_get.status_and_body(), (200, "41\u{1e}1"));
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn closing_packets_without_a_waiting_get_are_kept_for_the_next_one() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let poller = Poller::connect(&server).await;
    let socket = observer.socket().await;
    socket.emit("last", &1).expect("sent");
    socket.close_session();
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::ServerNamespaceDisconnect);
    assert_eq!(poller.get().await.status_and_body(), (200, "42[\"last\",1]\u{1e}41\u{1e}1"));
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn closing_packets_are_dropped_after_a_timeout() {
    let (server, mut observer) =
        probe_server(Config { polling_tombstone_ms: 1, ..default_heartbeat() });
    let poller = Poller::connect(&server).await;
    observer.socket().await.close_session();
    observer.disconnected().await;
    let gone = timeout(TIMEOUT, async {
        while server.server.session_count() > 0 {
            tokio::task::yield_now().await;
        }
    });
    gone.await.expect("forgotten");
    let response = poller.get().await;
    assert_eq!(response.status_and_body(), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
}

#[actix_web::test]
async fn a_client_that_connects_to_nothing_is_closed_at_its_next_get() {
    let config = Config { connect_timeout_ms: 50, ..default_heartbeat() };
    let server = TestServer::start(echo::server(config));
    let poller = Poller::open(&server).await;
    assert_eq!(poller.get().await.status_and_body(), (200, "1"));
}

#[actix_web::test]
async fn a_shutdown_ends_polls_and_is_not_delayed_by_closing_packets() {
    let (server, mut observer) = probe_server(default_heartbeat());
    let gone = Poller::connect(&server).await;
    observer.socket().await.close_session();
    observer.disconnected().await;
    let there = Poller::connect(&server).await;
    observer.socket().await;

    let stop = server.server.close(TIMEOUT * 10);
    let stop = async { timeout(TIMEOUT, stop).await.expect("no delay") };
    let (waiting_get, ()) = tokio::join!(there.get(), stop);
    assert_eq!(waiting_get.status_and_body(), (200, "1"));
    assert_eq!(server.server.session_count(), 0);
    assert_eq!(gone.get().await.status, 400);
}

#[actix_web::test]
async fn a_client_that_never_polls_is_a_slow_reader() {
    let (server, mut observer) =
        probe_server(Config { mailbox_messages: 8, ..default_heartbeat() });
    let poller = Poller::connect(&server).await;
    let socket = observer.socket().await;
    while socket.emit("n", &1).is_ok() {}
    assert_eq!(observer.disconnected().await, DisconnectReason::SlowReader);
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn a_client_that_asks_on_and_never_takes_the_answers_is_a_slow_reader() {
    // The inbox holds one event, so the session does not read while an earlier answer is queued.
    let config = Config { mailbox_bytes: 1_000, inbox_events: 1, ..support::fast_heartbeat() };
    let (application, mut observer) = probe::probe(Decision::Accept);
    let server = Server::builder(config).namespace("/", LargeAnswerNamespace(application)).build();
    let server = TestServer::start(server);
    let poller = Poller::connect(&server).await;
    observer.socket().await;
    poller.post("421[\"a\"]\u{1e}422[\"b\"]").await;
    assert_eq!(observer.disconnected().await, DisconnectReason::SlowReader);
    assert_eq!(poller.get().await.status, 400);
}

/// Acknowledges every event with more bytes than the mailbox holds.
struct LargeAnswerHandler {
    events: mpsc::UnboundedSender<ProbeEvent>,
}

/// Accepts every client.
struct LargeAnswerNamespace(Probe);

#[async_trait]
impl Namespace for LargeAnswerNamespace {
    async fn connect(&self, _: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        let events = self.0.events.clone();
        drop(events.send(ProbeEvent::Connected(socket)));
        Ok(Accepted::new(LargeAnswerHandler { events }))
    }
}

#[async_trait]
impl Handler for LargeAnswerHandler {
    async fn event(&mut self, event: Event) {
        if let Some(ack) = event.ack {
            ack.send(&"x".repeat(5_000)).expect("an answer needs no room");
        }
    }

    async fn disconnected(self: Box<Self>, reason: DisconnectReason) {
        drop(self.events.send(ProbeEvent::Disconnected(reason)));
    }
}
