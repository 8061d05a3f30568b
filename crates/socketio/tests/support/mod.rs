//! A real server on a port of its own, and a client that speaks raw frames to it.

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

/// Longer than anything here takes, so that a test that fails does not hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Whether WebSockets are compressed: so it is where checks are played once more for it.
fn is_compressed() -> bool {
    env!("CARGO_CRATE_NAME").ends_with("_compressed")
}

/// The settings the public protocol checks assume.
pub(crate) fn quick() -> Config {
    Config { ping_interval_ms: 300, ping_timeout_ms: 200, connect_timeout_ms: 1_000, ..calm() }
}

/// A heartbeat so slow that it stays out of the way.
pub(crate) fn calm() -> Config {
    Config { compression: is_compressed(), ..Config::default() }
}

/// Pings often, yet has all the patience that a busy machine needs.
pub(crate) fn brisk() -> Config {
    Config { ping_interval_ms: 20, ping_timeout_ms: 5_000, ..calm() }
}

/// A server that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
    handle: ServerHandle,
}

impl Running {
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
        // A client that has closed its side of the connection is gone.
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
        let opening = timeout(PATIENCE, stream.next())
            .await
            .expect("an opening in time")
            .expect("an opening")?;
        let opening = opening.into_text()?.to_string();
        Ok(Client { stream, opening })
    }

    /// A WebSocket that is to take over from polling, and is told nothing yet.
    pub(crate) async fn try_upgrade(&self, poller: &http::Poller) -> Result<Client, Error> {
        self.try_websocket(&poller.upgrade_target()).await
    }

    /// A WebSocket that is told nothing, or nothing yet.
    pub(crate) async fn try_websocket(&self, target: &str) -> Result<Client, Error> {
        let stream = self.connect(target).await?;
        Ok(Client { stream, opening: String::new() })
    }

    async fn connect(
        &self,
        path: &str,
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Error> {
        let address = if is_compressed() { relay::to(self.address).await } else { self.address };
        let url = format!("ws://{address}{path}");
        let (stream, _) =
            timeout(PATIENCE, connect_async(url)).await.expect("an answer in time")?;
        Ok(stream)
    }

    /// Opens a session and enters `/`, past its `auth` event.
    pub(crate) async fn enter(&self) -> Client {
        let mut client = self.open().await;
        client.say("40").await;
        let answer = client.hear().await;
        assert!(answer.starts_with(r#"40{"sid":""#), "{answer}");
        assert_eq!(client.hear().await, r#"42["auth",{}]"#);
        client
    }
}

impl Drop for Running {
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
    pub(crate) async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    pub(crate) async fn say_bytes(&mut self, bytes: &'static [u8]) {
        self.send(Message::binary(bytes)).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        timeout(PATIENCE, self.stream.send(message)).await.expect("sent in time").expect("sent");
    }

    pub(crate) async fn next(&mut self) -> Message {
        timeout(PATIENCE, self.stream.next())
            .await
            .expect("a message in time")
            .expect("a message before the end")
            .expect("a sound message")
    }

    pub(crate) async fn hear(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("expected text, got {other:?}"),
        }
    }

    pub(crate) async fn hear_bytes(&mut self) -> Bytes {
        match self.next().await {
            Message::Binary(bytes) => bytes,
            other => panic!("expected bytes, got {other:?}"),
        }
    }

    /// Waits for the end, and returns the close code and the texts heard before it.
    pub(crate) async fn until_closed(&mut self) -> (Option<u16>, Vec<String>) {
        let mut heard = Vec::new();
        loop {
            let next = timeout(PATIENCE, self.stream.next()).await.expect("an end in time");
            match next {
                Some(Ok(Message::Text(text))) => heard.push(text.to_string()),
                Some(Ok(Message::Close(frame))) => return (frame.as_ref().map(code), heard),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (None, heard),
            }
        }
    }

    /// Waits for the end, which must come before anything else.
    pub(crate) async fn closed_with(&mut self) -> Option<u16> {
        let (code, heard) = self.until_closed().await;
        assert_eq!(heard, Vec::<String>::new(), "nothing but the end was due");
        code
    }
}

fn code(frame: &CloseFrame) -> u16 {
    frame.code.into()
}

/// A client that the application lets in.
pub(crate) async fn connected(server: &Running) -> Client {
    let mut client = server.open().await;
    client.say("40").await;
    let mut answer = client.hear().await;
    // A short heartbeat may be faster than the answer.
    while answer == "2" {
        client.say("3").await;
        answer = client.hear().await;
    }
    assert!(answer.starts_with(r#"40{"sid":""#), "{answer}");
    client
}
