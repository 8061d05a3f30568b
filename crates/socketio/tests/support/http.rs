//! A polling client: plain HTTP/1 requests, each on its own connection.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{TIMEOUT, TestServer};

/// A parsed HTTP response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn parse(text: &str) -> Self {
        let (headers, body) = text.split_once("\r\n\r\n").expect("headers and a body");
        let status = headers.split(' ').nth(1).expect("a status").parse().expect("a number");
        Self { status, headers: headers.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// Status and body, for comparisons.
    pub(crate) fn status_and_body(&self) -> (u16, &str) {
        (self.status, &self.body)
    }

    pub(crate) fn sid(&self) -> String {
        let opening = self.body.strip_prefix('0').expect("an open packet");
        let opening: serde_json::Value = serde_json::from_str(opening).expect("JSON");
        opening["sid"].as_str().expect("an id").to_owned()
    }
}

/// Sends a request in the given pieces, each flushed separately, and reads the response.
pub(crate) async fn exchange(address: SocketAddr, pieces: &[&[u8]]) -> Response {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        for piece in pieces {
            stream.write_all(piece).await?;
            stream.flush().await?;
        }
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await?;
        std::io::Result::Ok(String::from_utf8(response).expect("text"))
    };
    let response = timeout(TIMEOUT, exchange).await.expect("an answer in time").expect("an answer");
    Response::parse(&response)
}

/// Sends one request with a body, possibly empty.
pub(crate) async fn send_request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Response {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-length: {}\r\n{headers}\r\n",
        body.len()
    );
    exchange(address, &[&[head.as_bytes(), body].concat()]).await
}

/// A polling session.
pub(crate) struct Poller {
    pub(crate) address: SocketAddr,
    pub(crate) sid: String,
    path: String,
}

impl Poller {
    pub(crate) async fn open(server: &TestServer) -> Self {
        let (address, path) = (server.address, server.path.to_owned());
        let target = format!("{path}?EIO=4&transport=polling");
        let opening = send_request(address, "GET", &target, "", b"").await;
        assert_eq!(opening.status, 200);
        Self { address, sid: opening.sid(), path }
    }

    /// Opens a session and connects to `/`.
    pub(crate) async fn connect(server: &TestServer) -> Self {
        let poller = Self::open(server).await;
        assert_eq!(poller.post("40").await.status_and_body(), (200, "ok"));
        assert!(poller.get().await.body.starts_with(r#"40{"sid":""#));
        poller
    }

    /// Opens a session and connects to `/` of the echo application, past its `auth` event.
    pub(crate) async fn connect_echo(server: &TestServer) -> Self {
        let poller = Self::open(server).await;
        assert_eq!(poller.post("40").await.status_and_body(), (200, "ok"));
        let mut received = String::new();
        while !received.ends_with(r#"42["auth",{}]"#) {
            received += &poller.get().await.body;
        }
        poller
    }

    pub(crate) fn target(&self) -> String {
        format!("{}?EIO=4&transport=polling&sid={}", self.path, self.sid)
    }

    /// The target of a WebSocket that upgrades this session.
    pub(crate) fn upgrade_target(&self) -> String {
        format!("{}?EIO=4&transport=websocket&sid={}", self.path, self.sid)
    }

    pub(crate) async fn get(&self) -> Response {
        send_request(self.address, "GET", &self.target(), "", b"").await
    }

    pub(crate) async fn post(&self, body: &str) -> Response {
        let headers = "content-type: text/plain;charset=UTF-8\r\n";
        send_request(self.address, "POST", &self.target(), headers, body.as_bytes()).await
    }
}
