//! The plain door over real connections.

use std::{net::SocketAddr, time::Duration};

use actix_web::HttpServer;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use crate::{
    Settings, realtime,
    testing::{House, no_limits},
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The service on a port of its own.
struct Stage {
    house: House,
    address: SocketAddr,
}

impl Stage {
    async fn new() -> Self {
        Self::with(realtime::Settings::default()).await
    }

    async fn with(realtime: realtime::Settings) -> Self {
        let settings = Settings { realtime, limits: no_limits(), ..Settings::default() };
        let house = House::with(settings).await;
        let api = house.api.clone();
        let server = HttpServer::new(move || api.app()).workers(1).disable_signals();
        let server = server.bind(("127.0.0.1", 0)).expect("a free port");
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        Self { house, address }
    }

    fn url(&self) -> String {
        format!("ws://{}/messaging", self.address)
    }

    /// A connection that has said nothing yet.
    async fn open(&self) -> Client {
        let (socket, _) = connect_async(self.url()).await.expect("the door is open");
        Client(socket)
    }

    /// A connection of `who`.
    async fn enter(&self, who: &str) -> Client {
        let mut client = self.open().await;
        let answer = client.ask("auth", json!({ "token": who })).await;
        assert_eq!(answer, json!({ "ack": 1, "ok": true, "data": {} }));
        client
    }
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn say(&mut self, line: &str) {
        self.0.send(Message::text(line)).await.expect("the server reads");
    }

    async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("an answer in time");
        next.expect("the server closes before it goes").expect("sound frames")
    }

    /// The next line that `is_wanted`; others are passed over.
    async fn line(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Message::Text(text) = self.next().await {
                let line = serde_json::from_str(&text).expect("every line is JSON");
                if is_wanted(&line) {
                    return line;
                }
            }
        }
    }

    async fn event(&mut self, name: &str) -> Value {
        self.line(|line| line["event"] == name).await
    }

    /// Sends a command and waits for its acknowledgement.
    async fn ask(&mut self, event: &str, data: Value) -> Value {
        self.say(&json!({ "event": event, "data": data, "id": 1 }).to_string()).await;
        self.line(|line| line["ack"] == 1).await
    }

    /// How the server ends the connection: code and reason.
    async fn farewell(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.next().await {
                let frame = frame.expect("with a reason");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

#[actix_web::test]
async fn a_chat_over_the_plain_door_is_the_chat_of_every_other_door() {
    let stage = Stage::new().await;
    let id = stage.house.talk().await.rsplit('/').next().expect("an id").to_owned();
    let (mut salon, mut client) = (stage.enter("s1").await, stage.enter("c1").await);
    for side in [&mut salon, &mut client] {
        let joined = side.ask("join-conversation", json!({ "conversationId": id })).await;
        assert_eq!((&joined["ok"], &joined["data"]["lastSeq"]), (&true.into(), &1.into()));
    }
    let sent = client.ask("send-message", json!({ "conversationId": id, "content": "Bonjour" }));
    assert_eq!(sent.await["data"]["content"], "Bonjour");
    let heard = salon.event("new-message").await;
    assert_eq!((&heard["data"]["content"], &heard["seq"]), (&"Bonjour".into(), &2.into()));

    client
        .say(&json!({ "event": "user-typing", "data": { "conversationId": id } }).to_string())
        .await;
    assert_eq!(salon.event("user-typing").await["data"]["userId"], "c1");
    stage.house.said(&format!("/messaging/conversations/{id}"), "c1", "par REST").await;
    assert_eq!(salon.event("new-message").await["data"]["content"], "par REST");
}

#[actix_web::test]
async fn failures_are_acknowledged_or_else_told() {
    let stage = Stage::new().await;
    let mut client = stage.enter("c1").await;
    let strange = json!({ "conversationId": "nobody-s" });
    let refused = client.ask("join-conversation", strange.clone()).await;
    assert_eq!(
        (&refused["ok"], &refused["error"]["code"]),
        (&false.into(), &"conversation_not_found".into())
    );
    client.say(&json!({ "event": "join-conversation", "data": strange }).to_string()).await;
    let told = client.event("error").await;
    assert_eq!(told["data"]["event"], "join-conversation");
    // Typing where one has not joined: an acknowledgement says so, and nothing else does.
    client.say(&json!({ "event": "user-typing", "data": strange }).to_string()).await;
    let refused = client.ask("user-typing", strange).await;
    assert_eq!(refused["error"]["code"], "conversation_not_found");
}

#[actix_web::test]
async fn whoever_does_not_say_who_they_are_is_not_let_in() {
    let stage = Stage::new().await;
    let auth = |token: &str| json!({ "event": "auth", "data": { "token": token } }).to_string();
    let table = [
        (auth("nonsense"), 4401, "unauthorized"),
        (auth("expired"), 4401, "token_expired"),
        (json!({ "event": "auth" }).to_string(), 4401, "unauthorized"),
        (json!({ "event": "sync", "data": {} }).to_string(), 4400, "bad_message"),
        ("hello".to_owned(), 4400, "bad_message"),
    ];
    for (line, code, word) in table {
        let mut client = stage.open().await;
        client.say(&line).await;
        assert_eq!(client.farewell().await, (code, word.to_owned()), "{line}");
    }
}

#[actix_web::test]
async fn who_opens_and_never_speaks_is_closed() {
    let socket = socketio::Config { connect_timeout_ms: 50, ..socketio::Config::default() };
    let stage = Stage::with(realtime::Settings { socket, ..Default::default() }).await;
    let farewell = stage.open().await.farewell().await;
    assert_eq!(farewell, (4408, "authentication_timeout".to_owned()));
}

#[actix_web::test]
async fn who_does_not_answer_pings_is_closed() {
    let socket = socketio::Config {
        ping_interval_ms: 50,
        ping_timeout_ms: 50,
        ..socketio::Config::default()
    };
    let stage = Stage::with(realtime::Settings { socket, ..Default::default() }).await;
    // Bare bytes from here on: nothing answers a ping.
    let mut connection = stage.enter("c1").await.0.into_inner();
    let mut heard = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut heard)).await;
    closed.expect("closed in time").expect("closed in order");
    let [.., high, low] = *heard.strip_suffix(b"ping_timeout").expect("with a reason") else {
        panic!("without a code");
    };
    assert_eq!(u16::from_be_bytes([high, low]), 4410);
}

#[actix_web::test]
async fn bad_input_ends_the_connection_it_came_on_and_no_other() {
    let stage = Stage::new().await;
    let mut healthy = stage.enter("s1").await;
    let long = format!(r#"{{"event":"{}"}}"#, "x".repeat(1_000_000));
    let table = [
        (Message::text("{"), 4400),
        (Message::text(r#"{"event":"a","id":[]}"#), 4400),
        (Message::binary(vec![1, 2]), 1003),
        (Message::text(long), 1009),
    ];
    for (message, code) in table {
        let mut client = stage.enter("c1").await;
        // The server may close before it has read all of it.
        match client.0.send(message).await {
            Ok(()) | Err(Error::Io(_) | Error::Protocol(_)) => {}
            Err(error) => panic!("{error}"),
        }
        assert_eq!(client.farewell().await.0, code);
    }
    let answer = healthy.ask("leave-conversation", json!({ "conversationId": "c" })).await;
    assert_eq!(answer["ok"], true);
}

#[actix_web::test]
async fn a_header_that_announces_gigabytes_is_not_believed() {
    let stage = Stage::new().await;
    let mut connection = stage.enter("c1").await.0.into_inner();
    let mut header = vec![0x81, 0xff];
    header.extend(10_000_000_000_u64.to_be_bytes());
    header.extend([0; 4]);
    connection.write_all(&header).await.expect("the server reads");
    // A little more than one message may have, and nothing like what was announced.
    connection.write_all(&vec![b'x'; 1_200_000]).await.expect("the server reads");
    let mut heard = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut heard)).await;
    closed.expect("closed in time").expect("closed in order");
    assert!(heard.ends_with(b"message_too_big"));
}

#[actix_web::test]
async fn a_client_that_stops_reading_is_closed_and_told_why() {
    let stage = Stage::new().await;
    let talk = stage.house.talk().await;
    for _ in 0..50 {
        stage.house.said(&talk, "s1", &"é".repeat(4_000)).await;
    }
    let id = talk.rsplit('/').next().expect("an id");
    let join = json!({ "event": "join-conversation", "data": { "conversationId": id } });
    let mut client = stage.enter("c1").await;
    // Each of these is answered with 400 kB, of which nothing is read.
    for _ in 0..100 {
        client.say(&join.to_string()).await;
    }
    assert_eq!(client.farewell().await, (4413, "slow_reader".to_owned()));
}

#[actix_web::test]
async fn a_person_s_connections_are_counted_over_both_doors() {
    let stage =
        Stage::with(realtime::Settings { sessions_per_person_max: 1, ..Default::default() }).await;
    let _first = stage.enter("c1").await;
    let mut second = stage.open().await;
    second.say(&json!({ "event": "auth", "data": { "token": "c1" } }).to_string()).await;
    assert_eq!(second.event("error").await["data"]["code"], "too_many_sessions");
    assert_eq!(second.farewell().await.0, 4429);
}

#[actix_web::test]
async fn pages_of_foreign_origins_and_plain_requests_are_turned_away() {
    let stage = Stage::new().await;
    let mut foreign = stage.url().into_client_request().expect("a good address");
    foreign.headers_mut().insert("origin", "https://evil.example".parse().expect("a header"));
    let refused = connect_async(foreign).await.expect_err("a foreign page");
    assert!(matches!(refused, Error::Http(response) if response.status() == 400));
    assert_eq!(stage.house.get("/messaging", "c1").await.status, 426);
}

#[actix_web::test]
async fn at_shutdown_every_client_is_told_and_closed() {
    let stage = Stage::new().await;
    let mut client = stage.enter("c1").await;
    let api = stage.house.api.clone();
    let closing = actix_web::rt::spawn(async move { api.close(PATIENCE).await });
    client.event("server-draining").await;
    assert_eq!(client.farewell().await, (1001, "going_away".to_owned()));
    drop(client);
    closing.await.expect("it closed");
}
