//! What a client may send, and how much of it is kept.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use socketio::{
    Accepted, Config, ConnectRequest, DisconnectReason, Event, EventRoom, Handler, Intake,
    Namespace, NotKept, Refusal, Server, Socket,
};
use support::{
    TestServer, connect, default_heartbeat,
    http::Poller,
    probe::{Decision, probe_server},
};

fn few_bytes() -> Config {
    Config { max_event_bytes: 100, kept_event_members: &["key"], ..default_heartbeat() }
}

#[actix_web::test]
async fn of_a_large_event_the_name_and_a_few_members_are_kept_and_the_session_goes_on() {
    let (server, mut observer) = probe_server(few_bytes(), Decision::Accept);
    observer.open_gate();
    let mut client = connect(&server).await;
    observer.socket().await;
    let rest = "x".repeat(200);
    client.send_text(&format!(r#"427["send",{{"more":"{rest}","key":"k"}},1]"#)).await;
    client.send_text(r#"42["small",{"key":"k"},1]"#).await;
    let large = observer.event().await;
    assert_eq!((large.name.as_str(), large.not_kept), ("send", Some(NotKept::TooLarge)));
    assert!(large.bytes > 200 && large.ack.is_some());
    assert_eq!(large.args.iter().map(|arg| arg.get()).collect::<Vec<_>>(), [r#"{"key":"k"}"#]);
    let small = observer.event().await;
    assert_eq!((small.name.as_str(), small.not_kept, small.args.len()), ("small", None, 2));
}

#[actix_web::test]
async fn an_event_much_larger_than_that_is_not_collected_and_the_session_goes_on() {
    static FILE: [u8; 900_000] = [0; 900_000];
    let rest = "é".repeat(400_000);
    let (server, mut observer) = probe_server(few_bytes(), Decision::Accept);
    observer.open_gate();
    let mut client = connect(&server).await;
    observer.socket().await;
    client.send_text(&format!(r#"427["send",{{"key":"k","more":"{rest}"}},1]"#)).await;
    client.send_text(&format!(r#"428["send",{{"more":"{rest}","key":"k"}},1]"#)).await;
    client.send_text(r#"451-["file",{"key":"k","f":{"_placeholder":true,"num":0}}]"#).await;
    client.send_bytes(&FILE).await;
    client.send_text(&format!(r#"437["{rest}"]"#)).await;
    client.send_text(r#"42["small",{"key":"k"},1]"#).await;
    for (name, kept) in [("send", r#"{"key":"k"}"#), ("send", "{}"), ("file", r#"{"key":"k"}"#)] {
        let large = observer.event().await;
        assert_eq!((large.name.as_str(), large.not_kept), (name, Some(NotKept::TooLarge)));
        assert!(large.bytes > 800_000 && large.attachments.is_empty(), "{}", large.bytes);
        assert_eq!(large.args.iter().map(|arg| arg.get()).collect::<Vec<_>>(), [kept]);
    }
    let small = observer.event().await;
    assert_eq!((small.name.as_str(), small.not_kept, small.args.len()), ("small", None, 2));
}

#[actix_web::test]
async fn attachments_count_with_their_event() {
    let (server, mut observer) = probe_server(few_bytes(), Decision::Accept);
    observer.open_gate();
    let mut client = connect(&server).await;
    observer.socket().await;
    client.send_text(r#"452-["file",{"key":"k","f":{"_placeholder":true,"num":0}}]"#).await;
    client.send_bytes(&[0; 60]).await;
    client.send_bytes(&[0; 60]).await;
    let large = observer.event().await;
    assert_eq!((large.name.as_str(), large.not_kept), ("file", Some(NotKept::TooLarge)));
    assert_eq!((large.attachments.len(), large.args[0].get()), (0, r#"{"key":"k"}"#));
}

#[actix_web::test]
async fn before_a_namespace_is_connected_a_client_is_brief() {
    let connect = |bytes: usize| format!(r#"40{{"t":"{}"}}"#, "x".repeat(bytes - 10));
    assert_eq!(connect(100).len(), 100);
    for (text, code) in [
        (connect(16 * 1024 + 1), Some(1009)),
        (format!(r#"42["{}"]"#, "x".repeat(1_019)), Some(1009)),
        (format!("3{}", "x".repeat(1_024)), Some(1009)),
    ] {
        let (server, _observer) = probe_server(default_heartbeat(), Decision::Accept);
        let mut client = server.open().await;
        client.send_text(&text).await;
        assert_eq!(client.closed_with().await, code, "{} bytes", text.len());
    }
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Accept);
    observer.open_gate();
    let mut client = server.open().await;
    client.send_text(&connect(16 * 1024)).await;
    assert!(client.receive_text().await.starts_with("40{"));
    observer.socket().await;
    client.send_text(&format!(r#"42["{}"]"#, "x".repeat(100_000))).await;
    assert_eq!(observer.event().await.name.len(), 100_000, "and then as long as it likes");
}

#[actix_web::test]
async fn so_are_the_bodies_of_a_client_that_polls() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Accept);
    observer.open_gate();
    let poller = Poller::open(&server).await;
    assert_eq!(poller.post(&format!("40{}", " ".repeat(16 * 1024))).await.status, 413);
    assert_eq!(poller.post("40").await.status, 200);
    assert!(poller.get().await.body.starts_with("40{"));
    observer.socket().await;
    let long = format!(r#"42["{}"]"#, "x".repeat(100_000));
    assert_eq!(poller.post(&long).await.status, 200);
    assert_eq!(observer.event().await.name.len(), 100_000);
}

#[actix_web::test]
async fn the_third_refusal_ends_the_session() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Refuse);
    let mut client = server.open().await;
    for connect in ["40", "40/nowhere,", "40"] {
        client.send_text(connect).await;
    }
    let (code, received) = client.until_closed().await;
    assert_eq!((code, received.len()), (Some(1008), 3), "{received:?}");
    assert!(received.iter().all(|text| text.starts_with("44")), "{received:?}");
    observer.next().await;
    observer.next().await;
    assert!(observer.is_idle());
}

#[actix_web::test]
async fn a_client_that_is_in_no_namespace_for_too_long_is_closed() {
    let config = Config { namespace_timeout_ms: 50, ..default_heartbeat() };
    let (server, mut observer) = probe_server(config, Decision::Accept);
    observer.open_gate();
    let mut client = connect(&server).await;
    observer.socket().await;
    client.send_text("41").await;
    assert_eq!(observer.disconnected().await, DisconnectReason::ClientNamespaceDisconnect);
    assert_eq!(client.closed_with().await, Some(1008));
}

#[actix_web::test]
async fn a_client_that_is_in_a_namespace_again_in_time_stays() {
    let config = Config { namespace_timeout_ms: 5_000, ..support::frequent_pings() };
    let (server, mut observer) = probe_server(config, Decision::Accept);
    observer.open_gate();
    let mut client = connect(&server).await;
    for _ in 0..3 {
        client.send_text("41").await;
        client.send_text("40").await;
        while !client.receive_text().await.starts_with("40") {
            client.send_text("3").await;
        }
    }
    client.send_text(r#"42["here"]"#).await;
    loop {
        if let support::probe::ProbeEvent::Event(event) = observer.next().await {
            assert_eq!(event.name, "here");
            break;
        }
    }
}

/// Makes room for one event at a time, and counts how often it was asked.
#[derive(Default)]
struct One {
    held: Arc<AtomicUsize>,
}

impl Intake for One {
    fn make_room(&self, bytes: usize) -> Option<EventRoom> {
        assert!(bytes > 0);
        let is_first = self.held.compare_exchange(0, 1, SeqCst, SeqCst).is_ok();
        is_first.then(|| Box::new(Held(self.held.clone())) as EventRoom)
    }
}

struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(0, SeqCst);
    }
}

/// Acknowledges each event with whether it was kept, and its number of arguments.
struct Taking;

#[async_trait]
impl Namespace for Taking {
    async fn connect(&self, request: ConnectRequest, _: Socket) -> Result<Accepted, Refusal> {
        assert_eq!(request.permit::<&str>(), Some(&"permit"));
        Ok(Accepted::new(TakingHandler(None)).with_intake(Arc::new(One::default())))
    }
}

/// Holds the room of the event before.
struct TakingHandler(Option<EventRoom>);

#[async_trait]
impl Handler for TakingHandler {
    async fn event(&mut self, event: Event) {
        let Event { ack, not_kept, args, room, .. } = event;
        let kept: Vec<_> = args.iter().map(|arg| arg.get()).collect();
        let answer = format!("{not_kept:?} {}", kept.join(","));
        ack.expect("asked for").send(&answer).expect("sent");
        self.0 = room;
    }

    async fn disconnected(self: Box<Self>, _: DisconnectReason) {}
}

#[actix_web::test]
async fn an_event_without_room_is_told_of_and_the_next_one_has_room_again() {
    let server = Server::builder(few_bytes())
        .namespace("/", Taking)
        .admission(|_| Ok::<_, socketio::Rejection>("permit"))
        .build();
    let server = TestServer::start(server);
    let mut client = connect(&server).await;
    for (ack, answer) in [
        ("430", r#"["None {\"key\":1,\"x\":2}"]"#),
        // The handler holds the room of the first one until now.
        ("431", r#"["Some(NoRoom) {\"key\":1}"]"#),
        ("432", r#"["None {\"key\":1,\"x\":2}"]"#),
    ] {
        client.send_text(&format!(r#"42{}["e",{{"key":1,"x":2}}]"#, &ack[2..])).await;
        assert_eq!(client.receive_text().await, format!("{ack}{answer}"));
    }
}
