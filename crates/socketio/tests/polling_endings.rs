//! How polling sessions end, and what their clients learn of it.

#[path = "../examples/echo/app.rs"]
mod echo;
mod support;

use std::time::Duration;

use async_trait::async_trait;
use socketio::{
    Accepted, Config, ConnectRequest, DisconnectReason, Event, Handler, Namespace, Refusal, Server,
    Socket,
};
use support::{
    PATIENCE, Running, calm,
    http::Poller,
    probe::{self, Decision, Happened, Probe, Watcher},
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::mpsc, time::timeout};

fn probed(config: Config) -> (Running, Watcher) {
    let (server, watcher) = probe::probed(config, Decision::Accept);
    watcher.open_gate();
    (server, watcher)
}

#[actix_web::test]
async fn a_get_its_client_reset_ends_the_session() {
    let (server, mut watcher) = probed(calm());
    let poller = Poller::connected(&server).await;
    watcher.socket().await;
    let mut stream = TcpStream::connect(poller.address).await.expect("a connection");
    let request = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", poller.target());
    stream.write_all(request.as_bytes()).await.expect("written");
    // The event arrives behind the GET or just before it; either way the GET is there in the end.
    poller.post(r#"42["seen"]"#).await;
    assert_eq!(watcher.event().await.name, "seen");
    stream.set_zero_linger().expect("a reset when dropped");
    drop(stream);
    let reset = timeout(PATIENCE, async {
        // A GET that was not there yet is overlapped by this one, or this one is held.
        tokio::select! {
            reason = watcher.disconnected() => reason,
            _ = poller.get() => watcher.disconnected().await,
        }
    });
    let reason = reset.await.expect("an end in time");
    assert!(matches!(reason, DisconnectReason::TransportClose | DisconnectReason::TransportError));
}

#[actix_web::test]
async fn a_get_whose_client_closed_the_connection_ends_the_session() {
    let (server, mut watcher) = probed(calm());
    let poller = Poller::connected(&server).await;
    let socket = watcher.socket().await;
    let mut stream = TcpStream::connect(poller.address).await.expect("a connection");
    // So that being heard can be told from having been heard before.
    while socket.silent_for() < Duration::from_millis(2) {
        tokio::task::yield_now().await;
    }
    let mut silent_for = socket.silent_for();
    let request = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", poller.target());
    stream.write_all(request.as_bytes()).await.expect("written");
    let held = timeout(PATIENCE, async {
        while socket.silent_for() >= silent_for {
            silent_for = socket.silent_for();
            tokio::task::yield_now().await;
        }
    });
    held.await.expect("the GET arrives");
    drop(stream);
    let reason = timeout(PATIENCE, watcher.disconnected()).await.expect("an end in time");
    assert_eq!(reason, DisconnectReason::TransportClose);
}

#[actix_web::test]
async fn a_held_get_hears_why_the_server_ends_the_session() {
    let (server, mut watcher) = probed(calm());
    let poller = Poller::connected(&server).await;
    let socket = watcher.socket().await;
    let mut held = std::pin::pin!(poller.get());
    let early = timeout(Duration::from_millis(100), &mut held).await;
    assert!(early.is_err(), "nothing to say yet");
    socket.close_session();
    let held = held.await;
    assert_eq!(held.said(), (200, "41\u{1e}1"));
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn what_nobody_was_there_to_hear_is_kept_for_the_next_get() {
    let (server, mut watcher) = probed(calm());
    let poller = Poller::connected(&server).await;
    let socket = watcher.socket().await;
    socket.emit("last", &1).expect("sent");
    socket.close_session();
    let reason = watcher.disconnected().await;
    assert_eq!(reason, DisconnectReason::ServerNamespaceDisconnect);
    assert_eq!(poller.get().await.said(), (200, "42[\"last\",1]\u{1e}41\u{1e}1"));
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn last_words_are_forgotten_in_time() {
    let (server, mut watcher) = probed(Config { polling_tombstone_ms: 1, ..calm() });
    let poller = Poller::connected(&server).await;
    watcher.socket().await.close_session();
    watcher.disconnected().await;
    let gone = timeout(PATIENCE, async {
        while server.server.session_count() > 0 {
            tokio::task::yield_now().await;
        }
    });
    gone.await.expect("forgotten");
    let answer = poller.get().await;
    assert_eq!(answer.said(), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
}

#[actix_web::test]
async fn a_client_that_connects_to_nothing_is_told_so_at_its_next_get() {
    let config = Config { connect_timeout_ms: 50, ..calm() };
    let server = Running::start(echo::server(config));
    let poller = Poller::open(&server).await;
    assert_eq!(poller.get().await.said(), (200, "1"));
}

#[actix_web::test]
async fn a_shutdown_ends_polls_and_is_not_held_up_by_last_words() {
    let (server, mut watcher) = probed(calm());
    let gone = Poller::connected(&server).await;
    watcher.socket().await.close_session();
    watcher.disconnected().await;
    let there = Poller::connected(&server).await;
    watcher.socket().await;

    let stop = server.server.close(PATIENCE * 10);
    let stop = async { timeout(PATIENCE, stop).await.expect("not held up") };
    let (held, ()) = tokio::join!(there.get(), stop);
    assert_eq!(held.said(), (200, "1"));
    assert_eq!(server.server.session_count(), 0);
    assert_eq!(gone.get().await.status, 400);
}

#[actix_web::test]
async fn a_client_that_never_polls_is_a_slow_reader() {
    let (server, mut watcher) = probed(Config { mailbox_messages: 8, ..calm() });
    let poller = Poller::connected(&server).await;
    let socket = watcher.socket().await;
    while socket.emit("n", &1).is_ok() {}
    assert_eq!(watcher.disconnected().await, DisconnectReason::SlowReader);
    assert_eq!(poller.get().await.status, 400);
}

#[actix_web::test]
async fn a_client_that_asks_on_and_never_takes_the_answers_is_a_slow_reader() {
    // One event may wait, so the client is not read while the answer before it waits.
    let config = Config { mailbox_bytes: 1_000, inbox_events: 1, ..support::quick() };
    let (application, mut watcher) = probe::probe(Decision::Accept);
    let server = Server::builder(config).namespace("/", Generosity(application)).build();
    let server = Running::start(server);
    let poller = Poller::connected(&server).await;
    watcher.socket().await;
    poller.post("421[\"a\"]\u{1e}422[\"b\"]").await;
    assert_eq!(watcher.disconnected().await, DisconnectReason::SlowReader);
    assert_eq!(poller.get().await.status, 400);
}

/// Answers every event with more than the mailbox holds.
struct Generous {
    happened: mpsc::UnboundedSender<Happened>,
}

/// Lets everybody in.
struct Generosity(Probe);

#[async_trait]
impl Namespace for Generosity {
    async fn connect(&self, _: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        let happened = self.0.happened.clone();
        drop(happened.send(Happened::Connected(socket)));
        Ok(Accepted::new(Generous { happened }))
    }
}

#[async_trait]
impl Handler for Generous {
    async fn event(&mut self, event: Event) {
        if let Some(ack) = event.ack {
            ack.send(&"x".repeat(5_000)).expect("an answer needs no room");
        }
    }

    async fn disconnected(self: Box<Self>, reason: DisconnectReason) {
        drop(self.happened.send(Happened::Disconnected(reason)));
    }
}
