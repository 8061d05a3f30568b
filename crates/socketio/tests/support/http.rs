//! A polling client, made of plain HTTP/1 requests on connections of their own.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{PATIENCE, Running};

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn parse(text: &str) -> Self {
        let (headers, body) = text.split_once("\r\n\r\n").expect("headers and a body");
        let status = headers.split(' ').nth(1).expect("a status").parse().expect("a number");
        Self { status, headers: headers.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// Its parts, for comparisons.
    pub(crate) fn said(&self) -> (u16, &str) {
        (self.status, &self.body)
    }

    pub(crate) fn sid(&self) -> String {
        let opening = self.body.strip_prefix('0').expect("an open packet");
        let opening: serde_json::Value = serde_json::from_str(opening).expect("JSON");
        opening["sid"].as_str().expect("an id").to_owned()
    }
}

/// Sends `request` in the given pieces, each flushed by itself, and reads to the end.
pub(crate) async fn exchange(address: SocketAddr, pieces: &[&[u8]]) -> Answer {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        for piece in pieces {
            stream.write_all(piece).await?;
            stream.flush().await?;
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8(answer).expect("text"))
    };
    let answer = timeout(PATIENCE, exchange).await.expect("an answer in time").expect("an answer");
    Answer::parse(&answer)
}

/// One request with a body, possibly empty.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
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
    pub(crate) async fn open(server: &Running) -> Self {
        let (address, path) = (server.address, server.path.to_owned());
        let target = format!("{path}?EIO=4&transport=polling");
        let opening = ask(address, "GET", &target, "", b"").await;
        assert_eq!(opening.status, 200);
        Self { address, sid: opening.sid(), path }
    }

    /// Opens a session and enters `/`, which says nothing of its own.
    pub(crate) async fn connected(server: &Running) -> Self {
        let poller = Self::open(server).await;
        assert_eq!(poller.post("40").await.said(), (200, "ok"));
        assert!(poller.get().await.body.starts_with(r#"40{"sid":""#));
        poller
    }

    /// Opens a session and enters `/`, past its `auth` event.
    pub(crate) async fn enter(server: &Running) -> Self {
        let poller = Self::open(server).await;
        assert_eq!(poller.post("40").await.said(), (200, "ok"));
        let mut heard = String::new();
        while !heard.ends_with(r#"42["auth",{}]"#) {
            heard += &poller.get().await.body;
        }
        poller
    }

    pub(crate) fn target(&self) -> String {
        format!("{}?EIO=4&transport=polling&sid={}", self.path, self.sid)
    }

    /// Where a WebSocket goes that is to take over.
    pub(crate) fn upgrade_target(&self) -> String {
        format!("{}?EIO=4&transport=websocket&sid={}", self.path, self.sid)
    }

    pub(crate) async fn get(&self) -> Answer {
        ask(self.address, "GET", &self.target(), "", b"").await
    }

    pub(crate) async fn post(&self, body: &str) -> Answer {
        let headers = "content-type: text/plain;charset=UTF-8\r\n";
        ask(self.address, "POST", &self.target(), headers, body.as_bytes()).await
    }
}
