//! The plain WebSocket endpoint over real connections.

mod bad_input;
mod endings;
mod entry;
mod talk;
use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async, tungstenite::Message,
};

use crate::{
    Settings, realtime,
    testing::{TestApp, no_limits},
};

/// Longer than anything here takes.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// The service on a port of its own.
struct Fixture {
    test_app: TestApp,
    address: SocketAddr,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(realtime::Settings::default()).await
    }

    async fn with(realtime: realtime::Settings) -> Self {
        let settings = Settings { realtime, limits: no_limits(), ..Settings::default() };
        let test_app = TestApp::with(settings).await;
        let address = test_app.listen();
        Self { test_app, address }
    }

    fn url(&self) -> String {
        format!("ws://{}/messaging", self.address)
    }

    /// A connection that has said nothing yet.
    async fn open(&self) -> Client {
        let (socket, _) = connect_async(self.url()).await.expect("the server listens");
        Client(socket)
    }

    /// A connection of `who` for which the system keeps little.
    async fn enter_narrow(&self, who: &str) -> Client {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a small buffer");
        let stream = socket.connect(self.address).await.expect("the server listens");
        let opened = client_async(self.url(), MaybeTlsStream::Plain(stream)).await;
        let (socket, _) = opened.expect("the server listens");
        Self::introduced(Client(socket), who).await
    }

    /// A connection of `who`.
    async fn enter(&self, who: &str) -> Client {
        Self::introduced(self.open().await, who).await
    }

    async fn introduced(mut client: Client, who: &str) -> Client {
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
        let next =
            tokio::time::timeout(TIME_LIMIT, self.0.next()).await.expect("an answer in time");
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
    async fn closed_with(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.next().await {
                let frame = frame.expect("with a reason");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}
