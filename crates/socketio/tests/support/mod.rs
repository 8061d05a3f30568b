//! A test server on its own port, and a client that sends and receives raw packets.

#![expect(dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod frames;
pub(crate) mod http;
pub(crate) mod probe;
mod relay;

use std::{net::SocketAddr, time::Duration};

use actix_web::{App, HttpServer, dev::ServerHandle, rt};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use socketio::{Config, Server};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, protocol::CloseFrame},
};

/// The timeout of every operation, so that a failing test does not hang.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether WebSockets are compressed: in the test binaries that repeat others with compression.
fn is_compressed() -> bool {
    env!("CARGO_CRATE_NAME").ends_with("_compressed")
}

/// The settings of the public protocol tests.
pub(crate) fn fast_heartbeat() -> Config {
    Config {
        ping_interval_ms: 300,
        ping_timeout_ms: 200,
        connect_timeout_ms: 1_000,
        ..default_heartbeat()
    }
}

/// A heartbeat too slow to interfere.
pub(crate) fn default_heartbeat() -> Config {
    Config { compression: is_compressed(), ..Config::default() }
}

/// Frequent pings, with a pong timeout long enough for a busy machine.
pub(crate) fn frequent_pings() -> Config {
    Config { ping_interval_ms: 20, ping_timeout_ms: 5_000, ..default_heartbeat() }
}

/// A server that runs until it is dropped.
pub(crate) struct TestServer {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
    handle: ServerHandle,
}

impl TestServer {
    pub(crate) fn start(server: Server) -> Self {
        Self::start_at("/socket.io/", server)
    }

    /// Two workers, so that requests of one session land on different threads.
    pub(crate) fn start_at(path: &'static str, server: Server) -> Self {
        let mounted = server.clone();
        let http = HttpServer::new(move || {
            let server = mounted.clone();
            App::new().configure(move |app| server.configure(path, app))
        })
        // A client that has closed its side of the connection counts as disconnected.
        .h1_allow_half_closed(false)
        .workers(2)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
        let address = http.addrs()[0];
        let running = http.run();
        let handle = running.handle();
        rt::spawn(running);
        Self { server, address, path, handle }
    }

    pub(crate) async fn open(&self) -> Client {
        let path = format!("{}?EIO=4&transport=websocket", self.path);
        self.try_open(&path).await.expect("a session")
    }

    pub(crate) async fn try_open(&self, path: &str) -> Result<Client, Error> {
        let mut stream = self.connect(path).await?;
        let opening = timeout(TIMEOUT, stream.next())
            .await
            .expect("an opening in time")
            .expect("an opening")?;
        let opening = opening.into_text()?.to_string();
        Ok(Client { stream, opening })
    }

    /// Opens a WebSocket to upgrade a polling session; reads nothing.
    pub(crate) async fn try_upgrade(&self, poller: &http::Poller) -> Result<Client, Error> {
        self.try_websocket(&poller.upgrade_target()).await
    }

    /// Opens a WebSocket; reads nothing.
    pub(crate) async fn try_websocket(&self, target: &str) -> Result<Client, Error> {
        let stream = self.connect(target).await?;
        Ok(Client { stream, opening: String::new() })
    }

    async fn connect(
        &self,
        path: &str,
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Error> {
        let address = if is_compressed() { relay::start(self.address).await } else { self.address };
        let url = format!("ws://{address}{path}");
        let (stream, _) = timeout(TIMEOUT, connect_async(url)).await.expect("an answer in time")?;
        Ok(stream)
    }

    /// Opens a session and connects to `/` of the echo application, past its `auth` event.
    pub(crate) async fn connect_echo(&self) -> Client {
        let mut client = self.open().await;
        client.send_text("40").await;
        let answer = client.receive_text().await;
        assert!(answer.starts_with(r#"40{"sid":""#), "{answer}");
        assert_eq!(client.receive_text().await, r#"42["auth",{}]"#);
        client
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// One WebSocket connection.
pub(crate) struct Client {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) opening: String,
}

impl Client {
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &'static [u8]) {
        self.send(Message::binary(bytes)).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        timeout(TIMEOUT, self.stream.send(message)).await.expect("sent in time").expect("sent");
    }

    pub(crate) async fn next(&mut self) -> Message {
        timeout(TIMEOUT, self.stream.next())
            .await
            .expect("a message in time")
            .expect("a message before the end")
            .expect("a sound message")
    }

    pub(crate) async fn receive_text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("expected text, got {other:?}"),
        }
    }

    pub(crate) async fn receive_bytes(&mut self) -> Bytes {
        match self.next().await {
            Message::Binary(bytes) => bytes,
            other => panic!("expected bytes, got {other:?}"),
        }
    }

    /// Waits for the end, and returns the close code and the texts received before it.
    pub(crate) async fn until_closed(&mut self) -> (Option<u16>, Vec<String>) {
        let mut received = Vec::new();
        loop {
            let next = timeout(TIMEOUT, self.stream.next()).await.expect("an end in time");
            match next {
                Some(Ok(Message::Text(text))) => received.push(text.to_string()),
                Some(Ok(Message::Close(frame))) => return (frame.as_ref().map(code), received),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (None, received),
            }
        }
    }

    /// Waits for the end, before which nothing may arrive. Returns the close code.
    pub(crate) async fn closed_with(&mut self) -> Option<u16> {
        let (code, received) = self.until_closed().await;
        assert_eq!(received, Vec::<String>::new(), "nothing but the end was due");
        code
    }
}

fn code(frame: &CloseFrame) -> u16 {
    frame.code.into()
}

/// Opens a session and connects to `/`.
pub(crate) async fn connect(server: &TestServer) -> Client {
    let mut client = server.open().await;
    client.send_text("40").await;
    let mut answer = client.receive_text().await;
    // A short heartbeat may be faster than the answer.
    while answer == "2" {
        client.send_text("3").await;
        answer = client.receive_text().await;
    }
    assert!(answer.starts_with(r#"40{"sid":""#), "{answer}");
    client
}
