//! A connection after a request to upgrade it: the response, and then the bytes of the other protocol.

use std::{future::poll_fn, io, pin::Pin, time::Duration};

use actix_codec::Encoder as _;
use actix_http::{
    ConnectionType, StatusCode,
    body::{BoxBody, MessageBody as _},
    h1::{Codec, Message},
};
use actix_web::HttpResponse;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, tcp::OwnedWriteHalf},
    task::yield_now,
    time::timeout,
};

/// A connection whose request asked for an upgrade.
pub(super) struct Connection {
    pub(super) writer: OwnedWriteHalf,
    pub(super) codec: Codec,
    /// The end of the response before, not yet written.
    pub(super) unsent: BytesMut,
}

impl Connection {
    /// Responds. Returns the connection if it is upgraded; any other response is written completely and closes the
    /// connection.
    ///
    /// # Errors
    /// When the client is gone or stalled, or the body fails.
    pub(super) async fn respond(
        mut self,
        response: HttpResponse,
        disconnect_timeout: Duration,
    ) -> io::Result<Option<UpgradedConnection>> {
        let (mut response, mut body) = response.into_parts();
        let is_upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if !is_upgraded {
            // What follows such a request cannot be told apart from its body.
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        self.codec.encode(Message::Item((response.into(), body.size())), &mut self.unsent)?;
        if is_upgraded {
            // The application has its first bytes ready as soon as it is polled. They are written together with the
            // head: a further packet costs more than this.
            yield_now().await;
            if let Some(Some(first)) = next(&mut body).now_or_never() {
                self.unsent.extend_from_slice(&first?);
            }
            write(&mut self.writer, &self.unsent).await?;
            return Ok(Some(UpgradedConnection { writer: self.writer, body }));
        }
        self.write_body(body).await?;
        linger_close(self.writer, disconnect_timeout).await?;
        Ok(None)
    }

    async fn write_body(&mut self, mut body: BoxBody) -> io::Result<()> {
        let Self { writer, codec, unsent } = self;
        while let Some(bytes) = next(&mut body).await {
            codec.encode(Message::Chunk(Some(bytes?)), unsent)?;
            write(writer, &unsent.split()).await?;
        }
        codec.encode(Message::Chunk(None), unsent)?;
        write(writer, unsent).await
    }
}

// Writing, and closing.

/// How long a client may read nothing. Heartbeats time out long before; this bounds what is still being written then.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// Writes all of `bytes`.
///
/// # Errors
/// When the client is gone or stalled.
pub(super) async fn write(writer: &mut OwnedWriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match timeout(STALL_TIMEOUT, writer.write(bytes)).await?? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => bytes = &bytes[written..],
        }
    }
    Ok(())
}

/// Closes our side, and waits at most `limit` until the client closes its own: a connection that is closed while bytes
/// arrive is reset, and the client may lose what it has not read.
///
/// # Errors
/// When the client is gone.
pub(super) async fn linger_close(mut writer: OwnedWriteHalf, limit: Duration) -> io::Result<()> {
    writer.shutdown().await?;
    let connection: &TcpStream = writer.as_ref();
    let drained = async {
        while !drain(connection) {
            connection.readable().await?;
        }
        Ok(())
    };
    timeout(limit, drained).await.unwrap_or(Ok(()))
}

/// Discards what has arrived. `true` when the client has closed its side.
fn drain(connection: &TcpStream) -> bool {
    let mut ignored = [0; 1024];
    loop {
        match connection.try_read(&mut ignored) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

/// The next bytes of `body`; `None` after the last. A body that fails is a failure of the connection: the client must
/// not take it for complete.
pub(super) async fn next(body: &mut BoxBody) -> Option<io::Result<Bytes>> {
    let bytes = poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await?;
    Some(bytes.map_err(|cause| io::Error::other(cause.to_string())))
}

// A connection that was upgraded.

/// An upgraded connection and the bytes to write to it. While there are none, no buffer is held.
pub(super) struct UpgradedConnection {
    pub(super) writer: OwnedWriteHalf,
    pub(super) body: BoxBody,
}

impl UpgradedConnection {
    /// Writes the bytes as they are produced, and closes.
    ///
    /// # Errors
    /// When the client is gone or stalled, or the body fails.
    pub(super) async fn write_all(mut self, disconnect_timeout: Duration) -> io::Result<()> {
        while let Some(bytes) = next(&mut self.body).await {
            write(&mut self.writer, &bytes?).await?;
        }
        linger_close(self.writer, disconnect_timeout).await
    }
}

#[cfg(test)]
mod connection_tests {
    use super::writing_tests::connected;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// What a client reads of this response, and whether the connection is upgraded.
    async fn read(response: HttpResponse) -> (String, bool) {
        let (server, mut client) = connected().await;
        let (_reader, writer) = server.into_split();
        let unsent = BytesMut::from("before\r\n");
        let connection = Connection { writer, codec: Codec::default(), unsent };
        let responds = async {
            let written = connection.respond(response, Duration::from_mins(1)).await;
            written.expect("the client reads to the end").is_some()
        };
        let reads = async {
            let mut all = String::new();
            client.read_to_string(&mut all).await.expect("a text");
            drop(client);
            all
        };
        let (is_upgraded, all) = tokio::join!(responds, reads);
        (all, is_upgraded)
    }

    #[actix_web::test]
    async fn an_upgrade_is_answered_with_a_head_and_the_connection_stays_open() {
        let upgrade = HttpResponse::SwitchingProtocols().upgrade("websocket").finish();
        let (text, is_upgraded) = read(upgrade).await;
        assert!(is_upgraded);
        assert!(text.starts_with("before\r\nHTTP/1.1 101 "), "{text}");
        assert!(text.contains("connection: upgrade\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }

    #[actix_web::test]
    async fn the_first_bytes_after_an_upgrade_are_written_with_the_head() {
        let first = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"welcome"))]);
        let upgrade = HttpResponse::SwitchingProtocols().upgrade("websocket").streaming(first);
        let (text, is_upgraded) = read(upgrade).await;
        assert!(is_upgraded);
        assert!(text.ends_with("\r\n\r\nwelcome"), "{text}");
    }

    #[actix_web::test]
    async fn a_refusal_is_an_ordinary_answer_and_the_last() {
        let (text, is_upgraded) = read(HttpResponse::BadRequest().body("no")).await;
        assert!(!is_upgraded);
        assert!(text.starts_with("before\r\nHTTP/1.1 400 "), "{text}");
        assert!(text.contains("connection: close\r\n"), "{text}");
        assert!(text.contains("content-length: 2\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\nno"), "{text}");
    }
}

#[cfg(test)]
pub(crate) mod writing_tests {
    use tokio::{io::AsyncReadExt as _, net::TcpListener};

    use super::*;

    /// The two ends of a connection.
    pub(crate) async fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (server, client) = tokio::join!(listener.accept(), TcpStream::connect(address));
        (server.expect("a client").0, client.expect("a server"))
    }

    #[tokio::test]
    async fn a_client_reads_the_end_although_what_it_sent_was_not_read() {
        let (server, mut client) = connected().await;
        client.write_all(&[0; 4096]).await.expect("there is room");
        let (reader, mut writer) = server.into_split();
        drop(reader);
        let reads = async {
            let mut all = String::new();
            client.read_to_string(&mut all).await.expect("no reset");
            drop(client);
            all
        };
        let closes = async {
            write(&mut writer, b"the end").await.expect("the client is there");
            linger_close(writer, Duration::from_mins(1)).await
        };
        let (outcome, all) = tokio::join!(closes, reads);
        outcome.expect("the client closes its side");
        assert_eq!(all, "the end");
    }
}

#[cfg(test)]
mod upgraded_tests {
    use super::writing_tests::connected;
    use actix_http::body::BodyStream;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn bytes_are_written_as_they_are() {
        let (server, mut client) = connected().await;
        let parts = ["one, ", "two"].map(|part| Ok::<_, io::Error>(Bytes::from(part)));
        let body = BoxBody::new(BodyStream::new(stream::iter(parts)));
        let upgraded = UpgradedConnection { writer: server.into_split().1, body };
        let reads = async {
            let mut all = String::new();
            client.read_to_string(&mut all).await.expect("a text");
            drop(client);
            all
        };
        let (written, all) = tokio::join!(upgraded.write_all(Duration::from_mins(1)), reads);
        written.expect("the client reads to the end");
        assert_eq!(all, "one, two");
    }

    #[tokio::test]
    async fn a_client_that_is_gone_ends_it() {
        let (server, client) = connected().await;
        drop(client);
        let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[0; 1024])));
        let body = BoxBody::new(BodyStream::new(endless));
        let upgraded = UpgradedConnection { writer: server.into_split().1, body };
        assert!(upgraded.write_all(Duration::ZERO).await.is_err());
    }
}
